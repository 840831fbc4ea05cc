import { MillraceError } from '../../../schemas/errors.js';
import type { Node } from '../manifest.js';
import { buildNode } from './build.js';
import type { Job, Outcome } from './job.js';
import { testNode } from './test.js';

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
      return buildNode(job, node, audited);
    case 'test':
      return testNode(job, node, audits);
    default:
      throw new MillraceError('Unsupported', {
        what: `${node.id}: a ${node.kind} cannot be run`,
        where: { file: node.file, line: 1 },
        fix: 'Leave it out of the selection',
      });
  }
}
