// A program of somebody who tests a machine: it names every type of `sluice/testing`.
import {
  type Answered,
  type Asked,
  type Begun,
  type CallEvent,
  type Calls,
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
  type DriverSource,
  describeFindings,
  type Edge,
  type EdgeTest,
  type Ended,
  type Exploration,
  eventLine,
  explore,
  type Failed,
  type Finding,
  type GatedCall,
  type Graph,
  type HeldCall,
  type Holding,
  type Invariant,
  Journal,
  type JournalEvent,
  type MachineCase,
  type MachineId,
  type Noted,
  type Offer,
  type Opening,
  type Origin,
  type Parts,
  type Path,
  PortGates,
  type Ports,
  type Progress,
  type Properties,
  partsOf,
  pathOf,
  plainExploration,
  type RandomWalksOptions,
  type RecordedPorts,
  type Reference,
  type Refused,
  type RequestKind,
  randomWalks,
  recordPorts,
  run,
  type Share,
  type SimplePathsOptions,
  type Site,
  type SnapshotTest,
  type Suite,
  shortestPaths,
  simplePaths,
  sluiceMachines,
  startOf,
  stepsOf,
  suite,
  type TestsSource,
  transitionCoverage,
  type View,
  type WrittenCause,
  type WrittenEvent,
  type WrittenState,
  type WrittenStep,
  writeDriver,
  writeTests,
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

/** Writes down what a store's core asks of its adapters, holds it, and fails it. */
export async function recordStore(inner: Ports<string>): Promise<Site[]> {
  const journal = new Journal();
  const gates = new PortGates();
  const recorded: RecordedPorts<string> = recordPorts(inner, { journal, gates });
  const begun: Site[] = [];
  journal.listen((event: JournalEvent) => {
    if (event.type === 'begun') begun.push(event.site);
  });
  const decide = ({ site }: GatedCall): Holding => (site === 'wal.append' ? 'hold' : 'pass');
  gates.decide = decide;
  const opening = recorded.ports.wal.open();
  gates.waiting.forEach((held: HeldCall) => {
    const how: Opening = { error: new Error('no luck'), worked: false };
    held.open(how);
  });
  await opening;
  const lines: string[] = journal.events.map(eventLine);
  if (lines.length !== journal.length) throw new Error('events were forgotten');
  recorded.drop();
  return begun;
}

/** The kinds of events, each by its name. */
export type EventTypes = [
  Begun<'wal.append'>['given'] & Calls['wal.append']['given'],
  Ended<'wal.append'>['got'],
  Failed<'wal.append'>['error'],
  CallEvent['call'],
  Asked['kind'] & RequestKind,
  Answered['result'],
  Refused['error'],
  Noted['what'],
];

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

/** The machines of Sluice itself, ready to be explored. */
export function exploreSluice(id: MachineId): Graph {
  const { machine, how }: MachineCase = sluiceMachines[id];
  return explore(machine, how);
}

/** Tests written to files, and read again. */
export function written(machine: Reference): string[] {
  const { machine: logic } = sluiceMachines.flushWorker;
  const parts: Parts = partsOf(logic);
  const graph = explore(logic, plainExploration(parts));
  const paths = shortestPaths(graph);
  const knock: WrittenEvent = { type: 'Flush' };
  const cause: WrittenCause = { send: knock };
  const start: WrittenState = startOf(graph);
  const steps: WrittenStep[] = [{ ...cause, to: 'capturing' }];
  pathOf(graph, start, steps.concat(paths.flatMap(stepsOf)));
  const driver: DriverSource = { graph, tests: 'a.test.ts', explores: { machine, parts } };
  const exploration = { from: './a.driver.ts', name: 'exploration' };
  const common = { graph, paths, machine, exploration, driver: './a.driver.ts' };
  const tests: TestsSource = { ...common, runner: 'vitest', typed: true };
  return [writeDriver(driver), writeTests(tests)];
}
