/**
 * An array as PostgreSQL writes it (`{a,NULL,"b \"c\""}`) as JSON of texts, the form in which copies bring arrays, too.
 * Bounds in front of it (`[0:1]={…}`) are left out.
 */
export function arrayAsJson(text: string): string {
  let at = text.startsWith('[') ? text.indexOf('=') + 1 : 0;
  const list = (): string => {
    at++; // {
    const items: string[] = [];
    while (at < text.length && text[at] !== '}') {
      if (text[at] === ',') at++;
      else if (text[at] === '{') items.push(list());
      else items.push(text[at] === '"' ? quoted() : bare());
    }
    at++; // }
    return `[${items.join(',')}]`;
  };
  const quoted = (): string => {
    let value = '';
    for (at++; at < text.length && text[at] !== '"'; at++) {
      if (text[at] === '\\') at++;
      value += text[at];
    }
    at++;
    return JSON.stringify(value);
  };
  const bare = (): string => {
    const start = at;
    while (at < text.length && text[at] !== ',' && text[at] !== '}') at++;
    const value = text.slice(start, at);
    return value === 'NULL' ? 'null' : JSON.stringify(value);
  };
  return list();
}
