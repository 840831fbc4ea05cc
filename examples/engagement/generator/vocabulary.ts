/** Countries with their share of customers, and names and cities that windows-1252 can write, too. */
interface Country {
  code: string;
  first: readonly string[];
  last: readonly string[];
  /** largest first: the share of a city falls with its rank */
  cities: readonly string[];
}

const list = (text: string): string[] => text.split(' ').map((word) => word.replaceAll('_', ' '));

const GERMAN = {
  first: list('Anna Jörg Käthe Björn Lena Jürgen Sören Mia Günter Zoë Paul Emma Änne Felix Clara'),
  last: list(
    'Müller Schröder Weiß Fischer Köhler Groß Jäger Schäfer Becker Böhm Voß Krüger Lang Wolf Häfner',
  ),
};

const country = (code: string, names: { first: string[]; last: string[] }, cities: string): Country => ({
  code,
  ...names,
  cities: list(cities),
});

export const COUNTRIES: readonly (readonly [Country, number])[] = [
  [country('DE', GERMAN, 'Berlin Hamburg München Köln Leipzig Düsseldorf Nürnberg Görlitz'), 0.34],
  [country('AT', GERMAN, 'Wien Graz Linz Salzburg Sankt_Pölten'), 0.1],
  [country('CH', GERMAN, 'Zürich Genève Basel Bern Neuchâtel'), 0.08],
  [
    country(
      'FR',
      {
        first: list('Élodie François Chloé Léa Hélène Jérôme Noël Inès Théo Jean Luc Zoé'),
        last: list('Lefèvre Dupont Bœuf Gauthier Françoise Béranger Lemaître Moreau D’Arc Rivière'),
      },
      'Paris Marseille Lyon Orléans Nîmes Saint-Étienne',
    ),
    0.15,
  ],
  [
    country(
      'ES',
      {
        first: list('José Lucía Íñigo Begoña Andrés Sofía Raúl Inés Álvaro Nuria'),
        last: list('Muñoz García Núñez Ibáñez Peña Martín Gómez Ortega O’Donnell'),
      },
      'Madrid Barcelona Málaga Cádiz A_Coruña',
    ),
    0.11,
  ],
  [
    country(
      'IT',
      {
        first: list('Niccolò Giulia Andrea Chiara Noè Luca Marta'),
        last: list('Rossi Nicolò Bianchi D’Amico Cantù Fo'),
      },
      'Milano Roma Torino Forlì',
    ),
    0.08,
  ],
  [
    country(
      'NL',
      { first: list('Daan Zoë Loïs Jan Sanne Renée'), last: list('de_Vries Jansen Visser Coëlho Bakker') },
      'Amsterdam Rotterdam Utrecht Den_Haag',
    ),
    0.06,
  ],
  [
    country(
      'SE',
      {
        first: list('Åsa Björn Märta Elin Göran Nils'),
        last: list('Lindström Åkesson Sjöberg Öberg Nilsson'),
      },
      'Stockholm Göteborg Malmö Umeå',
    ),
    0.04,
  ],
  [
    country(
      'CZ',
      { first: list('Tomáš Zuzana Jan Šárka Lukáš'), last: list('Žák Novák Šimek Dušek Horák') },
      'Praha Brno Olomouc',
    ),
    0.04,
  ],
];

export const PLANS = [
  ['free', 0.46],
  ['basic', 0.31],
  ['plus', 0.18],
  ['business', 0.05],
] as const;
export type Plan = (typeof PLANS)[number][0];

export const CHANNELS = [
  ['app', 0.36],
  ['web', 0.25],
  ['store', 0.3],
  ['partner', 0.09],
] as const;
export type Channel = (typeof CHANNELS)[number][0];

export const REFERRALS = [
  ['search', 0.37],
  ['friend', 0.22],
  ['advert', 0.19],
  ['partner', 0.12],
  ['event', 0.1],
] as const;

export const APP_VERSIONS = [
  ['5.4.0', 0.41],
  ['5.3.2', 0.33],
  ['5.1.0', 0.16],
  ['4.9.7', 0.1],
] as const;

const ASCII: Record<string, string> = { ß: 'ss', œ: 'oe', '’': '', ' ': '' };

/** @returns the name as it stands in an e-mail address: ASCII, lower case */
export const plain = (name: string): string =>
  name
    .replace(/[ßœ’ ]/g, (letter) => ASCII[letter] ?? '')
    .normalize('NFD')
    .replace(/[^A-Za-z-]/g, '')
    .toLowerCase();
