import { MillraceError } from '../../../schemas/errors.js';
import type { Node } from '../manifest.js';
import { buildNode } from './build.js';
import { cloneNode } from './clone.js';
import type { Job, Outcome } from './job.js';
import { runHook } from './operation.js';
import { testNode } from './test.js';
import { unitTestNode } from './unit-test.js';

/** A node's part in write-audit-publish. */
export interface AuditRole {
  /** it is built beside the live relation, for its tests to read */
  audited: boolean;
  /** of a test: the node whose unpublished rows it reads */
  audits: Node | undefined;
}

/** Carries out a node of any kind. */
export function runNode(job: Job, node: Node, { audited, audits }: AuditRole): Promise<Outcome> {
  switch (node.kind) {
    case 'model':
    case 'seed':
    case 'snapshot':
      return job.options.command === 'clone' ? cloneNode(job, node) : buildNode(job, node, audited);
    case 'test':
      return testNode(job, node, audits);
    case 'unit_test':
      return unitTestNode(job, node);
    case 'operation':
      return runHook(job, node);
    default:
      throw new MillraceError('Unsupported', {
        what: `${node.id}: a ${node.kind} cannot be run`,
        where: { file: node.file, line: 1 },
        fix: 'Leave it out of the selection',
      });
  }
}
