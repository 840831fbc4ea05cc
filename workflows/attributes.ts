import { defineSearchAttributeKey, SearchAttributeType } from '@temporalio/common';
import { SEARCH_ATTRIBUTES } from '../schemas/queues.js';

const keyword = (name: string) => defineSearchAttributeKey(name, SearchAttributeType.KEYWORD);

/** Typed keys of the search attributes, for workflows and clients alike. */
export const attributes = {
  project: keyword(SEARCH_ATTRIBUTES.project),
  pipeline: keyword(SEARCH_ATTRIBUTES.pipeline),
  stage: keyword(SEARCH_ATTRIBUTES.stage),
  status: keyword(SEARCH_ATTRIBUTES.status),
  intervalStart: defineSearchAttributeKey(SEARCH_ATTRIBUTES.intervalStart, SearchAttributeType.DATETIME),
};
