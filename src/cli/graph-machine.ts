import { existsSync } from 'node:fs';
import { basename, dirname, relative, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { AnyStateMachine } from 'xstate';
import { errorText, SluiceError } from '../errors.js';
import type { Exploration } from '../testing/exploration.js';
import type { Reference } from '../testing/program.js';
import type { MachineCase } from '../testing/sluice-machines.js';
import { UsageError } from './output.js';

/** How the program being written imports a module at a path. */
export type ImportName = (path: string) => string;

/** Something of a module that a written program uses as well. */
export interface Found<Value> {
  value: Value;
  reference(importName: ImportName): Reference;
}

/** A machine that the command line names, with what there is to know of it. */
export interface NamedMachine extends Found<AnyStateMachine> {
  /** Where its module is; undefined for one of Sluice's own. */
  path: string | undefined;
  /** The name of the export, or the id of one of Sluice's own. */
  name: string;
  exploration: Found<Exploration> | undefined;
  properties: Reference | undefined;
}

/**
 * The machine `ID` of Sluice itself, or `MODULE#EXPORT`; without `#` the only machine of a module.
 * Errors: `SLUICE_NOT_FOUND`, `SLUICE_BAD_OPTION`.
 */
export async function namedMachine(name: string): Promise<NamedMachine> {
  const { sluiceMachines } = await import('../testing/sluice-machines.js');
  const own = Object.entries(sluiceMachines).find(([id]) => id === name);
  if (own !== undefined) return ownMachine(...own);
  if (!/[./\\#]/.test(name)) {
    const ids = Object.keys(sluiceMachines).join(', ');
    throw new UsageError(`there is no machine ${name}: give one of ${ids}, or MODULE#EXPORT`);
  }
  const [path, wanted] = splitName(name);
  const exports = await load(path);
  const key = wanted ?? onlyMachine(path, exports);
  const value = exports[key];
  if (!isMachine(value)) throw new UsageError(`${path} exports no state machine named ${key}`);
  const names = [`${key}Exploration`, ...(machinesOf(exports).length === 1 ? ['exploration'] : [])];
  const how = names.find((one) => one in exports);
  return {
    ...{ ...exportOf(path, key, value), path, name: key, properties: undefined },
    exploration: how === undefined ? undefined : exportOf(path, how, exports[how] as Exploration),
  };
}

function ownMachine(id: string, { machine, how }: MachineCase): NamedMachine {
  const at = (part: string): Reference => ({
    ...{ from: 'sluice/testing', name: 'sluiceMachines', inside: `.${id}.${part}` },
  });
  return {
    ...{ value: machine, reference: () => at('machine'), path: undefined, name: id },
    exploration: { value: how, reference: () => at('how') },
    properties: at('properties'),
  };
}

export function exportOf<Value>(path: string, name: string, value: Value): Found<Value> {
  return { value, reference: (importName) => ({ from: importName(path), name }) };
}

/** The exports of a module. Errors: `SLUICE_NOT_FOUND`, `SLUICE_BAD_OPTION`. */
export async function load(path: string): Promise<Record<string, unknown>> {
  if (!existsSync(path)) throw new SluiceError('SLUICE_NOT_FOUND', `there is no module ${path}`);
  try {
    return await import(pathToFileURL(resolve(path)).href);
  } catch (cause) {
    const isTyped = (cause as { code?: unknown } | null)?.code === 'ERR_UNKNOWN_FILE_EXTENSION';
    const advice = isTyped
      ? '; name the built one, or use Node.js 22.18, which reads TypeScript'
      : '';
    const message = `${path} can't be loaded: ${errorText(cause)}${advice}`;
    throw new SluiceError('SLUICE_BAD_OPTION', message, { cause });
  }
}

/** The way from a file to a module, as it is written in programs and on command lines. */
export function wayFrom(file: string, path: string): string {
  const way = relative(dirname(resolve(file)), resolve(path)).replaceAll('\\', '/');
  return way.startsWith('.') ? way : `./${way}`;
}

function splitName(name: string): [string, string | undefined] {
  const at = name.lastIndexOf('#');
  return at < 0 ? [name, undefined] : [name.slice(0, at), name.slice(at + 1)];
}

function onlyMachine(path: string, exports: Record<string, unknown>): string {
  const names = machinesOf(exports);
  const [only] = names;
  if (only !== undefined && names.length === 1) return only;
  if (only === undefined) throw new UsageError(`${path} exports no state machine`);
  const file = basename(path);
  throw new UsageError(
    `${path} exports several machines: ${names.join(', ')}; say ${file}#${only}`,
  );
}

const machinesOf = (exports: Record<string, unknown>) =>
  Object.keys(exports).filter((key) => isMachine(exports[key]));

function isMachine(value: unknown): value is AnyStateMachine {
  return (
    typeof value === 'object' && value !== null && 'implementations' in value && 'root' in value
  );
}
