// A program of somebody who tests a machine: it names every type of `sluice/testing`.
import {
  type Check,
  type ChildEnd,
  type ChildEnds,
  type Coverage,
  type CoverageOptions,
  check,
  checksOf,
  coverageOf,
  type Destination,
  type Driver,
  describeFindings,
  type Edge,
  type EdgeTest,
  type Exploration,
  explore,
  type FaultClass,
  type Finding,
  type Graph,
  type Invariant,
  type Offer,
  type Origin,
  type Path,
  type Progress,
  type Properties,
  type RandomWalksOptions,
  randomWalks,
  run,
  type Share,
  type SimplePathsOptions,
  type SimulateOptions,
  type SimulationResult,
  type SnapshotTest,
  type Suite,
  shortestPaths,
  simplePaths,
  simulate,
  suite,
  transitionCoverage,
  type View,
} from 'sluice/testing';
import { setup } from 'xstate';

type Press = { type: 'Press' } | { type: 'Unplug' };

const lamp = setup({
  types: { context: {} as { presses: number }, events: {} as Press },
  delays: { patience: 100 },
}).createMachine({
  id: 'lamp',
  context: { presses: 0 },
  initial: 'off',
  on: { Unplug: { target: '.gone' } },
  states: {
    off: { on: { Press: { target: 'on' } } },
    on: { after: { patience: { target: 'off' } } },
    gone: { type: 'final' },
  },
});

/** Explores, checks and runs a machine in each way, and returns the names of its tests. */
export async function testMachine(): Promise<string[]> {
  const ends: ChildEnds = { outputs: [] };
  const how: Exploration<typeof lamp> = {
    events: [{ type: 'Press' }, { type: 'Unplug' }],
    project: ({ presses }) => presses,
    children: { none: ends },
  };
  const graph: Graph = explore(lamp, how);
  const isOn: SnapshotTest = (snapshot) => snapshot.matches('on');
  const goesOff: EdgeTest = (edge: Edge) => edge.target.matches('off');
  const progress: Progress = { from: isOn, reaches: goesOff };
  const properties: Properties = { stop: 'Unplug', progress: { 'it goes off': progress } };
  const findings: Finding[] = check(graph, properties);
  const checks: Check[] = checksOf(properties);
  if (findings.length > 0 || checks.length === 0) throw new Error(describeFindings(findings));

  const coverage: CoverageOptions = { each: 'transitions' };
  const to: Destination = { to: isOn };
  const bounds: SimplePathsOptions = { ...to, lengthMax: 5 };
  const chance: RandomWalksOptions = { seed: 1, count: 2, length: 5 };
  const paths: Path[] = [
    ...transitionCoverage(graph, coverage),
    ...shortestPaths(graph, to),
    ...simplePaths(graph, bounds),
    ...randomWalks(graph, chance),
  ];
  const origins = new Set<Origin>();
  const staysUntold: Invariant = ({ told, step }: View) => {
    const offer: Offer | undefined = step;
    if (offer !== undefined) origins.add(offer.by);
    return told.length === 0;
  };
  const effects = { load: ({ output }: ChildEnd) => output };
  const driver: Driver = { invariants: { staysUntold }, effects };
  for (const path of paths) await run(path, driver);
  const covered: Coverage = coverageOf(graph, paths);
  const share: Share = covered.transitions;
  if (share.missing.length > 0 || origins.size !== 2) throw new Error('something is not covered');

  const names: string[] = [];
  const bodies: Promise<void>[] = [];
  const test: Suite<typeof lamp>['test'] = (name, body) => {
    names.push(name);
    bodies.push(body());
  };
  suite({ test, machine: lamp, ...how, properties });
  await Promise.all(bodies);
  return names;
}

/** Runs a seed of the simulation; what was wrong, if anything was. */
export async function simulateSeed(seed: number): Promise<string | undefined> {
  const without: readonly FaultClass[] = ['powerCut'];
  const options: SimulateOptions = { seed, operations: 10, without };
  const result: SimulationResult = await simulate(options);
  return result.failure?.message;
}
