import { StringDecoder } from 'node:string_decoder';

export interface XmlHandler {
  /** @param attribute gives an attribute's value, its entities resolved */
  open?: (name: string, attribute: (name: string) => string | undefined) => void;
  text?: (text: string) => void;
  close?: (name: string) => void;
}

/** A tag or a text that is longer is no workbook's. */
const LONGEST = 64 << 20;

/**
 * Reads XML of a workbook's kind while it comes in: no document types, no entities but the five and numbers. Names come
 * without their prefix.
 * @throws Error when it ends in the middle of a tag
 */
export async function readXml(source: AsyncIterable<Buffer>, handler: XmlHandler): Promise<void> {
  const decoder = new StringDecoder('utf8');
  let waiting = '';
  let depth = 0;
  for await (const chunk of source) {
    const text = waiting + decoder.write(chunk);
    let at = 0;
    for (;;) {
      const start = text.indexOf('<', at);
      if (start < 0) break;
      const end = tagEnd(text, start);
      if (end < 0) break;
      if (start > at) handler.text?.(entities(text.slice(at, start)));
      at = end;
      const second = text[start + 1];
      if (second === '!') {
        if (text.startsWith('<![CDATA[', start)) handler.text?.(text.slice(start + 9, end - 3));
      } else if (second === '/') {
        depth--;
        handler.close?.(nameOf(text.slice(start + 2, end - 1)));
      } else if (second !== '?') {
        const empty = text[end - 2] === '/';
        const tag = text.slice(start + 1, empty ? end - 2 : end - 1);
        const name = nameOf(tag);
        handler.open?.(name, (attribute) => attributeOf(tag, attribute));
        if (empty) handler.close?.(name);
        else depth++;
      }
    }
    waiting = text.slice(at);
    if (waiting.length > LONGEST) throw new Error('a tag or a text is longer than a workbook has');
  }
  if (depth !== 0 || waiting.trim() !== '') throw new Error('the XML ends before it is complete');
}

/** @returns where the tag at `start` ends, or -1 when that has not come yet */
function tagEnd(text: string, start: number): number {
  const marks = text.startsWith('<!--', start) ? '-->' : text.startsWith('<![CDATA[', start) ? ']]>' : '>';
  const end = text.indexOf(marks, start + 1);
  return end < 0 ? -1 : end + marks.length;
}

function nameOf(tag: string): string {
  const name = /^[^\s/>]+/.exec(tag)?.[0] ?? '';
  return name.slice(name.indexOf(':') + 1);
}

function attributeOf(tag: string, name: string): string | undefined {
  const found = new RegExp(`\\s(?:\\w+:)?${name}\\s*=\\s*(?:"([^"]*)"|'([^']*)')`).exec(tag);
  return found ? entities(found[1] ?? found[2] ?? '') : undefined;
}

const NAMED: Record<string, string> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'" };

function entities(text: string): string {
  if (!text.includes('&')) return text;
  return text.replace(/&(#x[\da-f]+|#\d+|\w+);/gi, (all, entity: string) => {
    if (!entity.startsWith('#')) return NAMED[entity] ?? all;
    const code = /^#x/i.test(entity) ? Number.parseInt(entity.slice(2), 16) : Number(entity.slice(1));
    return code <= 0x10ffff ? String.fromCodePoint(code) : all;
  });
}
