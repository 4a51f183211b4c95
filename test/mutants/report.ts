// What a run has shown, in words; the last line is the result.
import type { Verdict } from './judge.js';

/** Less than these, in per cent, is a failure. */
const REGRESSION_MIN = 99;
const INVARIANTS_MIN = 85;

/** Why mutants survive, by name. */
export type Reasons = Record<string, string>;

export interface Report {
  lines: readonly string[];
  hasFailed: boolean;
}

/** `isWhole`: every mutant was judged, so a reason for a mutant that is not there is stale too. */
export function reportOf(verdicts: readonly Verdict[], reasons: Reasons, isWhole: boolean): Report {
  const counted = verdicts.filter((verdict) => !verdict.isEquivalent);
  const survivors = counted.filter(isSurvivor);
  const unlisted = survivors.filter(({ name }) => !(name in reasons));
  const names = new Set(survivors.map(({ name }) => name));
  const judged = new Set(verdicts.map(({ name }) => name));
  const stale = Object.keys(reasons).filter(
    (name) => !names.has(name) && (isWhole || judged.has(name)),
  );
  const regression = share(counted, ({ regression }) => regression !== undefined);
  const invariants = share(counted, ({ invariants }) => invariants !== undefined);
  return {
    lines: [
      ...listed(
        'equivalent, by computation, and not counted',
        verdicts.filter((verdict) => verdict.isEquivalent).map(({ name }) => name),
      ),
      ...listed(
        'survivors',
        survivors
          .filter(({ name }) => name in reasons)
          .map((one) => `${one.name} (${by(one)})\n    ${reasons[one.name]}`),
      ),
      ...listed(
        'survivors WITHOUT A REASON in test/mutants/survivors.json',
        unlisted.map((one) => `${one.name} (${by(one)})`),
      ),
      ...listed('STALE reasons in test/mutants/survivors.json: these are killed', stale),
      ...tableOf(counted),
      `mutants: ${counted.length}, killed by regression ${regression.toFixed(1)} %, ` +
        `killed by invariants ${invariants.toFixed(1)} %`,
    ],
    hasFailed:
      regression < REGRESSION_MIN ||
      invariants < INVARIANTS_MIN ||
      unlisted.length > 0 ||
      stale.length > 0,
  };
}

const isSurvivor = ({ regression, invariants }: Verdict) =>
  regression === undefined || invariants === undefined;

function by({ regression, invariants }: Verdict): string {
  if (regression === undefined && invariants === undefined) return 'of both';
  return regression === undefined ? 'of the regression tests' : 'of the invariants';
}

function listed(title: string, names: readonly string[]): string[] {
  return names.length === 0
    ? []
    : [`${title}: ${names.length}`, ...names.map((name) => `  ${name}`), ''];
}

function tableOf(verdicts: readonly Verdict[]): string[] {
  const machineOf = ({ name }: Verdict) => name.slice(0, name.indexOf(':'));
  const machines = [...new Set(verdicts.map(machineOf))];
  return machines.map((machine) => {
    const own = verdicts.filter((verdict) => machineOf(verdict) === machine);
    const regression = share(own, ({ regression }) => regression !== undefined);
    const invariants = share(own, ({ invariants }) => invariants !== undefined);
    const shares = `regression ${regression.toFixed(1)} %, invariants ${invariants.toFixed(1)} %`;
    return `${machine}: ${own.length}, ${shares}`;
  });
}

function share(verdicts: readonly Verdict[], isKilled: (verdict: Verdict) => boolean): number {
  if (verdicts.length === 0) return 100;
  return (100 * verdicts.filter(isKilled).length) / verdicts.length;
}
