/** The codes of failures about bodies of files. The trouble passes, or the other bodies go on. */
export const FILE_CODES = {
  'file-missing': [
    'The environment has no body for a file or an image that a row names, or another body has taken its place meanwhile.',
    'Nothing to do: mirrorverse asks again later. If the file is lost at the source, remove it there.',
  ],
  'file-not-whole': [
    'The body of a file has another length than the environment says, or is no body of a file.',
    'Nothing to do if this passes: mirrorverse fetches the body again.',
  ],
  'files-place-unusable': [
    'A body cannot be stored in the folder or the bucket of `files.to`.',
    'Check that the folder can be written and has room, or the bucket, its region and the AWS_ variables: `mirrorverse check` tries it.',
  ],
} as const;
