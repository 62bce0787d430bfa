import type { Answers } from '../../../config/answers.ts';
import { closestName } from '../../../model/closest-name.ts';
import { isPattern } from '../../../model/name-pattern.ts';
import type { Candidate } from '../../../operations/setup/mirror-candidates.ts';
import { didYouMean, UsageError, type CommandContext } from '../../command.ts';
import type { Interview } from './interview.ts';

/** The answers that the options of `init --yes` give. */
export function answersOfOptions({ options, config }: CommandContext): Interview {
  const given = (name: string): string | undefined => {
    const value = options[name];
    return typeof value === 'string' && value !== '' ? value : undefined;
  };
  return {
    async overwrite(files) {
      if (options['force'] === true) return true;
      throw new UsageError(`There is ${files.join(' and ')} already. --force overwrites it.`);
    },
    async access() {
      const url = given('url') ?? config.dataverse?.url;
      if (url === undefined) throw new UsageError('init --yes needs --url ADDRESS, or DATAVERSE_URL.');
      const auth = given('auth');
      return {
        DATAVERSE_URL: url,
        ...(auth === undefined ? {} : { MIRRORVERSE_AUTH: auth }),
      } satisfies Answers;
    },
    again: () => false,
    async tables(candidates) {
      return namedTables(given('tables'), candidates);
    },
    database: async () => given('database') ?? config.postgres?.url ?? 'embedded',
    end: () => undefined,
  };
}

function namedTables(given: string | undefined, candidates: readonly Candidate[]): string[] {
  if (given === undefined) {
    const usual = candidates.filter(({ isUsual, isTracked }) => isUsual && isTracked);
    if (usual.length > 0) return usual.map(({ name }) => name);
    throw new UsageError('The environment has none of the usual tables: name some with --tables.');
  }
  const names = [...new Set(given.split(',').map((name) => name.trim()))].filter((name) => name !== '');
  const known = candidates.map(({ name }) => name);
  const unknown = names.find((name) => !isPattern(name) && !name.startsWith('!') && !known.includes(name));
  if (unknown !== undefined) {
    const near = didYouMean(closestName(unknown, known));
    throw new UsageError(`The environment has no table ${unknown} that can be mirrored.${near}`);
  }
  return names;
}
