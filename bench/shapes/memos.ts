import type { ShapeParts } from './shape.ts';

/** A table of notes: long texts with line breaks, quotes and all alphabets are most of each row. */
export const MEMOS: ShapeParts = {
  name: 'memos',
  key: 'contoso_noteid',
  look: { escapes: 0.05, memoEscapes: 0.9, memoLength: 3_000 },
  first: [
    { kind: 'text', filled: 1, names: 'contoso_subject' },
    { kind: 'memo', filled: 1, names: 'contoso_body' },
    { kind: 'memo', filled: 0.6, names: 'contoso_answer' },
    { kind: 'moment', filled: 1, names: 'createdon modifiedon' },
    { kind: 'owner', filled: 1, names: 'ownerid' },
    { kind: 'state', filled: 1, names: 'statecode' },
    { kind: 'status', filled: 1, names: 'statuscode' },
  ],
  more: [
    { kind: 'lookup', filled: 1, names: 'createdby modifiedby owningbusinessunit' },
    { kind: 'customer', filled: 0.8, names: 'contoso_customerid' },
    { kind: 'boolean', filled: 1, names: 'contoso_isprivate' },
    { kind: 'choice', filled: 0.7, names: 'contoso_origin contoso_topic' },
    { kind: 'choices', filled: 0.4, names: 'contoso_tags' },
    { kind: 'text', filled: 0.5, names: 'contoso_language contoso_filename' },
    { kind: 'integer', filled: 0.5, names: 'contoso_filesize' },
  ],
};
