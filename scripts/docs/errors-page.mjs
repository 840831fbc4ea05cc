// Every error type, in the groups of schemas/errors.ts.
import { join } from 'node:path';
import { Declarations } from './comments.mjs';
import { page, table } from './markdown.mjs';

/** @param {string} root @param {Record<string, { retryable: boolean }>} types */
export function errorsPage(root, types) {
  const members = new Declarations(join(root, 'schemas'), ['errors.ts']).members('ERROR_TYPES');
  const groups = new Map();
  for (const [type, { retryable }] of Object.entries(types)) {
    const { text = '', group = '' } = members.get(type) ?? {};
    const rows = groups.get(group) ?? groups.set(group, []).get(group);
    rows.push([`\`${type}\``, retryable ? 'yes' : 'no', text]);
  }
  return page(
    '# Error types',
    'The type is stable; the message says what is wrong, where, and what to do. **Retried** means that Temporal ' +
      'tries again by itself, with growing waits, for as long as the [policies](worker.md#timeouts-and-retries) ' +
      'allow. Everything else ends the run at once, because a retry cannot mend it.',
    ...[...groups].flatMap(([group, rows]) => [
      `## ${group[0].toUpperCase()}${group.slice(1)}`,
      table(['type', 'retried', 'meaning'], rows),
    ]),
    '## Others that a run may show',
    table(
      ['type', 'retried', 'meaning'],
      [
        ['`Unexpected`', 'three tries', 'an error that nobody classified: a bug, please report it'],
        [
          '`TimedOut`',
          'within the policy',
          'no worker took the work, or it took longer than its policy allows',
        ],
        ['`StageFailed`', 'no', 'a stage ended by something without a type, such as a terminated workflow'],
      ],
    ),
  );
}
