/** The messages of Dataverse that tell of a changed row. */
export type RowMessage = 'Create' | 'Update' | 'Delete';

/** Hears of a change of a row, right before it. It must not act before the change is made. */
export type RowListener = (message: RowMessage, table: string, id: string) => void;
