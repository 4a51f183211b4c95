import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Random } from '../support/random.js';
import { checkStore } from './check.js';
import { type CrashMode, imageAt, writeImage } from './images.js';
import { readMarks } from './marks.js';
import { Model } from './model.js';
import type { Script } from './steps.js';
import { loadTarget } from './target.js';
import { traceRun } from './trace.js';
import type { Trace } from './trace-events.js';

const EXECUTE = fileURLToPath(new URL('./child/execute.mjs', import.meta.url));

/** Traces a process that carries out a script on a new store. `directory` is for its files. */
export function traceScript(directory: string, target: URL, script: Script): Promise<Trace> {
  const scriptFile = join(directory, 'script.json');
  const marksFile = join(directory, 'marks');
  const store = join(directory, 'store');
  writeFileSync(scriptFile, JSON.stringify(script));
  mkdirSync(store);
  return traceRun({
    command: [EXECUTE, target.href, store, scriptFile, marksFile],
    directory: store,
    marksFile,
    traceFile: join(directory, 'trace'),
  });
}

export interface PowerOptions {
  target: URL;
  script: Script;
  trace: Trace;
  /** Where images are laid out; one at a time. */
  directory: string;
  images: number;
  modes: readonly CrashMode[];
  random: Random;
  /** Leaves out the moments before the store was first open. */
  openedOnly: boolean;
}

export interface PowerResult {
  /** What was found, with the image; empty when all is well. */
  problems: string[];
  /** Images in which something unsynced was really lost. */
  lossy: number;
}

/** Cuts the power at moments of a traced run and checks the store that each one leaves. */
export async function checkImages(options: PowerOptions): Promise<PowerResult> {
  const { script, trace, random, directory, modes } = options;
  const target = await loadTarget(options.target);
  const result: PowerResult = { problems: [], lossy: 0 };
  const opened = trace.events.findIndex((event) => event.type === 'mark');
  const earliest = options.openedOnly ? opened + 1 : trace.begin;
  for (let index = 0; index < options.images; index += 1) {
    const point = drawPoint(trace, earliest, random);
    const mode = random.pick(modes);
    const path = join(directory, `image-${index}`);
    writeImage(imageAt(trace.events, point, mode, random), path);
    const report = reportAt(trace, point, script);
    const found = await checkStore(target, path, script.options, {
      start: new Model(),
      steps: script.steps.slice(0, report.issued),
      promised: mode === 'kill' ? report.answered : report.answeredWaiting,
    });
    const problems = [...report.failures];
    if (found.problem !== undefined) problems.push(found.problem);
    const where = `image ${index} (${mode} before event ${point} of ${trace.events.length})`;
    result.problems.push(...problems.map((text) => `${where}: ${text}`));
    if (found.problem === undefined && found.length < report.answered) result.lossy += 1;
    rmSync(path, { recursive: true });
  }
  return result;
}

/**
 * Half of the moments are anywhere, half soon after a change of names: that is when files are
 * closed, replaced and dropped, and such windows are short.
 */
function drawPoint({ events }: Trace, earliest: number, random: Random): number {
  const anywhere = random.between(earliest, events.length);
  if (random.chance(0.5)) return anywhere;
  const isName = (type: string) => type === 'create' || type === 'rename' || type === 'remove';
  const places = events.flatMap(({ type }, place) => {
    return place >= earliest && isName(type) ? [place] : [];
  });
  if (places.length === 0) return anywhere;
  return Math.min(random.pick(places) + random.between(1, 30), events.length);
}

function reportAt(trace: Trace, point: number, script: Script) {
  const marks = trace.events.slice(0, point).flatMap((event) => {
    return event.type === 'mark' ? [event.text] : [];
  });
  return readMarks(marks, script.steps);
}
