import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Random } from '../support/random.js';
import { checkStore } from './check.js';
import { Durability } from './durability.js';
import { type CrashMode, imageAt, writeImage } from './images.js';
import { readMarks } from './marks.js';
import type { Model } from './model.js';
import type { Script, Step } from './steps.js';
import { loadTarget } from './target.js';
import { traceRun } from './trace.js';
import type { Trace } from './trace-events.js';

const EXECUTE = fileURLToPath(new URL('./child/execute.mjs', import.meta.url));

/** Traces a process that carries out a script on the store in `directory`, which it may create. */
export function traceScript(directory: string, target: URL, script: Script): Promise<Trace> {
  const scriptFile = join(directory, 'script.json');
  const marksFile = join(directory, 'marks');
  const store = join(directory, 'store');
  writeFileSync(scriptFile, JSON.stringify(script));
  mkdirSync(store, { recursive: true });
  return traceRun({
    command: [EXECUTE, target.href, store, scriptFile, marksFile],
    directory: store,
    marksFile,
    traceFile: join(directory, 'trace'),
  });
}

/** One moment at which everything ends, and how. */
export interface Cut {
  /** Number of the first event that doesn't happen any more. */
  point: number;
  mode: CrashMode;
}

export interface DrawOptions {
  count: number;
  modes: readonly CrashMode[];
  random: Random;
  /** Leaves out the moments before the store was open. */
  openedOnly: boolean;
}

/**
 * Draws moments of a run. Half of them are anywhere, half soon after a change of names: that is
 * when files are closed, replaced and dropped, and such windows are short.
 */
export function drawCuts(trace: Trace, options: DrawOptions): Cut[] {
  const { random, modes, count } = options;
  const { events } = trace;
  const earliest = options.openedOnly ? openedAt(trace) + 1 : trace.begin;
  const isName = (type: string) => type === 'create' || type === 'rename' || type === 'remove';
  const names = events.flatMap(({ type }, place) => {
    return place >= earliest && isName(type) ? [place] : [];
  });
  return Array.from({ length: count }, () => {
    const near = names.length > 0 && random.chance(0.5);
    const point = near
      ? random.pick(names) + random.between(1, 30)
      : random.between(earliest, events.length);
    return { point: Math.min(point, events.length), mode: random.pick(modes) };
  });
}

/** Every moment until the store was open, each in one of the modes. */
export function cutsUntilOpened(trace: Trace, modes: readonly CrashMode[], random: Random): Cut[] {
  const moments = openedAt(trace) - trace.begin + 1;
  return Array.from({ length: moments }, (_, index) => {
    return { point: trace.begin + index, mode: random.pick(modes) };
  });
}

export interface PowerOptions {
  target: URL;
  script: Script;
  trace: Trace;
  /** The points before the script. */
  start: Model;
  /** Where images are laid out; one at a time. */
  directory: string;
  cuts: readonly Cut[];
  random: Random;
  /** What the store must show, when that has been settled before the traced run. */
  known?: { steps: readonly Step[]; promised: number };
}

export interface PowerResult {
  /** What was found, with the image; empty when all is well. */
  problems: string[];
  /** Images in which something unsynced was really lost. */
  lossy: number;
  /** Images with a later log file that was synced while an earlier one lacks what never was. */
  rotated: number;
}

/** Cuts the power at moments of a traced run and checks the store that each one leaves. */
export async function checkImages(options: PowerOptions): Promise<PowerResult> {
  const { script, trace, random, directory } = options;
  const target = await loadTarget(options.target);
  const result: PowerResult = { problems: [], lossy: 0, rotated: 0 };
  for (const [index, { point, mode }] of options.cuts.entries()) {
    const path = join(directory, `image-${index}`);
    writeImage(imageAt(trace.events, point, mode, random), path);
    const report = reportAt(trace, point, script);
    const found = await checkStore(target, path, script.options, {
      start: options.start,
      ...(options.known ?? {
        steps: script.steps.slice(0, report.issued),
        promised: mode === 'kill' ? report.answered : report.answeredWaiting,
      }),
    });
    const problems = [...report.failures];
    if (found.problem !== undefined) problems.push(found.problem);
    const where = `image ${index} (${mode} before event ${point} of ${trace.events.length})`;
    result.problems.push(...problems.map((text) => `${where}: ${text}`));
    if (found.problem === undefined && found.length < report.answered) result.lossy += 1;
    if (mode === 'drop' && hasLostEarlierLog(trace, point)) result.rotated += 1;
    rmSync(path, { recursive: true });
  }
  return result;
}

/**
 * Whether LevelDB's rotation shows: when it begins a new log it never syncs the rest of the old
 * one, so that what is synced later survives a power cut and what was written before it doesn't.
 */
function hasLostEarlierLog({ events }: Trace, point: number): boolean {
  const durability = new Durability('shared');
  durability.replay(events, point);
  const logs = events.slice(0, point).flatMap((event) => {
    return event.type === 'create' && /^wal\/\d+\.log$/.test(event.path) ? [event.node] : [];
  });
  const contents = logs.map((node) => durability.contents(node));
  const lacking = contents.findIndex(({ changes, synced }) => synced < changes.length);
  return lacking >= 0 && contents.slice(lacking + 1).some(({ synced }) => synced > 0);
}

export interface RecoveryOptions extends PowerOptions {
  /** Moments of each recovery that are looked at. */
  moments: number;
  modes: readonly CrashMode[];
}

/**
 * Cuts the power at moments of a traced run, lets a process recover from what that left, traced as
 * well, and cuts the power again at moments of the recovery. The store must show then what it had
 * to show after the first cut.
 */
export async function checkRecoveries(options: RecoveryOptions): Promise<PowerResult> {
  const { script, trace, random, directory, moments, modes } = options;
  const result: PowerResult = { problems: [], lossy: 0, rotated: 0 };
  for (const [index, { point, mode }] of options.cuts.entries()) {
    const place = join(directory, `recovery-${index}`);
    mkdirSync(place);
    writeImage(imageAt(trace.events, point, mode, random), join(place, 'store'));
    const recovery = await traceScript(place, options.target, { ...script, steps: [] });
    const report = reportAt(trace, point, script);
    const all = cutsUntilOpened(recovery, modes, random);
    const found = await checkImages({
      ...options,
      trace: recovery,
      directory: place,
      cuts: Array.from({ length: moments }, () => random.pick(all)),
      known: {
        steps: script.steps.slice(0, report.issued),
        promised: mode === 'kill' ? report.answered : report.answeredWaiting,
      },
    });
    const where = `recovery ${index} (${mode} before event ${point} of ${trace.events.length})`;
    result.problems.push(...found.problems.map((text) => `${where}: ${text}`));
    rmSync(place, { recursive: true });
  }
  return result;
}

/** The place of the first mark, by which the process says that the store is open. */
function openedAt({ events }: Trace): number {
  return events.findIndex((event) => event.type === 'mark');
}

function reportAt(trace: Trace, point: number, script: Script) {
  const marks = trace.events.slice(0, point).flatMap((event) => {
    return event.type === 'mark' ? [event.text] : [];
  });
  return readMarks(marks, script.steps);
}
