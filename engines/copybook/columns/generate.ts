import { runGenerated } from '../run-generated.js';
import type { CopybookSettings } from '../settings.js';
import type { Rows } from './batch.js';
import { numberCode, PACKED_LAST, PACKED_PAIRS } from './generate-number.js';
import type { Leaf } from './plan.js';
import type { PutText } from './text.js';

/** Decodes some fields of all rows of a domain. */
export type Step = (bytes: Uint8Array, rows: Rows) => void;
/** Decodes one value by the general rules: `(bytes, from, to, row of the column, number in the domain)`. */
export type PutAny = (bytes: Uint8Array, from: number, to: number, row: number, index: number) => void;

export interface LeafCode {
  leaf: Leaf;
  /** set for texts of one byte a character */
  text?: PutText | undefined;
  other: PutAny;
}

/** Fields in one function: with more of them V8 keeps fewer in registers, with fewer the bytes are read more often. */
const FIELDS = 8;

export interface StepOptions {
  settings: CopybookSettings;
  /** rows have numbers of their own in the columns */
  sparse: boolean;
  /** records may be shorter than the layout */
  short: boolean;
}

/** Specialised functions for the fields of a domain: straight code without a branch on what kind of field it is. */
export function generateSteps(codes: LeafCode[], options: StepOptions): Step[] {
  const steps: Step[] = [];
  for (let from = 0; from < codes.length; from += FIELDS) {
    steps.push(compileStep(codes.slice(from, from + FIELDS), options));
  }
  return steps;
}

function compileStep(codes: LeafCode[], { settings, sparse, short }: StepOptions): Step {
  const ascii = settings.encoding === 'ascii';
  const bindings: string[] = [];
  const bodies = codes.map(({ leaf, text }, n) => {
    const { field, offset, column } = leaf;
    const [from, to] = [`o+${offset}`, `o+${offset + field.length}`];
    const other = `G${n}(b,${from},${to},r,i);`;
    bindings.push(`const G${n}=C[${n}].other;`);
    let code: string | undefined;
    if (text) {
      bindings.push(`const T${n}=C[${n}].text;`);
      code = `T${n}(b,${from},${to},r);`;
    } else if (field.type.kind === 'number' && !field.date) {
      bindings.push(`const w${n}=C[${n}].leaf.column.words;`);
      if (column.storage === 'int16') bindings.push(`const h${n}=new Int16Array(C[${n}].leaf.column.data);`);
      const { type: given } = column;
      code = numberCode(
        {
          ...{ type: field.type, offset, length: field.length, storage: column.storage, ascii },
          scale: given.kind === 'decimal' ? given.scale : 0,
          precision: given.kind === 'decimal' ? given.precision : undefined,
          ieeeBigEndian: settings.floating_point_format === 'ieee754',
        },
        { words: `w${n}`, halves: `h${n}`, other },
      );
    }
    const body = code ?? other;
    return short ? `if(o+${offset + field.length}>e){${other}}else{${body}}` : `{${body}}`;
  });
  const source = `'use strict';${bindings.join('')}
return function(b,R){const n=R.count,O=R.offsets,E=R.ends,A=R.rows;
for(let i=0;i<n;i++){const o=O[i],r=${sparse ? 'A[i]' : 'i'};${short ? 'const e=E[i];' : ''}
${bodies.join('\n')}
}}`;
  return runGenerated(source, { C: codes, PP: PACKED_PAIRS, PL: PACKED_LAST }) as Step;
}
