-- Countries we serve, and the regions that reports speak of.
select country, region
from (values
    ('DE', 'central'), ('AT', 'central'), ('CH', 'central'), ('CZ', 'central'),
    ('FR', 'west'), ('NL', 'west'),
    ('ES', 'south'), ('IT', 'south'),
    ('SE', 'north')
) as countries (country, region)
