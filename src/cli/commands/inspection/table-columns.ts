import { hashKeyId } from '../../../mirror/quarantine/row-policy.ts';
import { listColumns, type ColumnList, type ListedAttribute } from '../../../operations/column-list.ts';
import { CommandSession } from '../../command-session.ts';
import { UsageError, type CommandContext } from '../../command.ts';
import { counted, fittedTable, wrapped } from '../../output.ts';

export async function columns(context: CommandContext): Promise<number> {
  const [name, ...others] = context.words;
  if (name === undefined || others.length > 0) {
    throw new UsageError('columns needs the name of one table: `mirrorverse columns <table>`.');
  }
  return CommandSession.use(context, async (session) => {
    const { config, signal, options, print } = context;
    // Without it, the table is shown as it would be mirrored by default.
    const configured = (await session.resolution()).tables.find((table) => table.name === name);
    const hashKey = config.hashKey === undefined ? undefined : hashKeyId(config.hashKey);
    const wishes = { name, ...configured, hashKeyId: hashKey };
    const list = await listColumns(session.dataverse(), wishes, config.schema, signal);
    if (options['json'] === true) print(JSON.stringify(list, null, 2));
    else for (const line of columnText(list)) print(line);
    return 0;
  });
}

const KINDS = {
  elastic: 'It is an elastic table: it counts its row versions itself.',
  virtual: 'It is a virtual table: its versions are values like any other, and guard nothing.',
};

/** The columns of the mirror table, then what is left out and why. */
function columnText({ table, kind, mirrorTable, attributes }: ColumnList): string[] {
  const mirrored = attributes.filter(({ columns: made }) => made.length > 0);
  const leftOut = attributes.filter(({ columns: made }) => made.length === 0);
  return [
    ...wrapped(
      `${table}: ${counted(attributes.length, 'attribute')}. The mirror table ${mirrorTable} has ${mirrored.length}.`,
    ),
    ...(kind === 'standard' ? [] : wrapped(KINDS[kind])),
    '',
    ...fittedTable(['column', 'type', 'attribute', 'languages'], mirrored.flatMap(columnRows)),
    ...(leftOut.length === 0
      ? []
      : [
          '',
          'Left out:',
          ...fittedTable(
            ['attribute', 'why'],
            leftOut.map(({ attribute, leftOut: why }) => [attribute, why ?? '']),
          ),
        ]),
  ];
}

/** A line for each column. A companion has no labels of its own. */
function columnRows({ attribute, type, columns: made, languages }: ListedAttribute): string[][] {
  return made.map(({ name, type: stored }, at) => {
    const about = at > 0 ? 'companion' : name === attribute ? type : `${type} ${attribute}`;
    return [name, shortType(stored), about, at === 0 ? languages.join(' ') : ''];
  });
}

/** PostgreSQL's own short names. */
function shortType(type: string): string {
  return type.replace(' without time zone', '').replace('timestamp with time zone', 'timestamptz');
}
