/** The fields of one row of the server's CSV; NULL is `null`. @param row with its line end */
export function parseCsvRow(row: Buffer): (string | null)[] {
  const text = row.toString('utf8');
  const fields: (string | null)[] = [];
  for (let at = 0; at < text.length; at++) {
    if (text[at] !== '"') {
      const start = at;
      while (at < text.length && text[at] !== ',' && text[at] !== '\n') at++;
      fields.push(at === start ? null : text.slice(start, at));
      continue;
    }
    let value = '';
    for (at++; at < text.length; at++) {
      if (text[at] === '"' && text[++at] !== '"') break;
      value += text[at];
    }
    fields.push(value);
  }
  return fields;
}
