import { SluiceError } from '../errors.js';

/** Checks one option and returns it. Throws `SLUICE_BAD_OPTION` with the option's name. */
export type OptionCheck<T> = (value: unknown, name: string) => T;

/** One check for each option that an object may have. */
export type OptionChecks<Options> = {
  readonly [Key in keyof Options]-?: OptionCheck<Options[Key]>;
};

/**
 * Checks an object of options and returns a copy. An option that is undefined counts as not given.
 * Throws `SLUICE_BAD_OPTION` for an option that nothing knows or that has a bad value, and a
 * `TypeError` when `options` isn't an object. `prefix` stands before the names in messages.
 */
export function checkOptions<Options extends object>(
  options: unknown,
  checks: OptionChecks<Options>,
  prefix = '',
): Partial<Options> {
  if (options === undefined) return {};
  if (typeof options !== 'object' || options === null || Array.isArray(options)) {
    throw new TypeError(`${prefix || 'options'} must be an object, not ${shown(options)}`);
  }
  const checked: Partial<Options> = {};
  for (const [name, value] of Object.entries(options)) {
    const path = prefix ? `${prefix}.${name}` : name;
    if (!isKnown(checks, name)) {
      const known = Object.keys(checks).join(', ');
      throw new SluiceError('SLUICE_BAD_OPTION', `unknown option ${path}; known: ${known}`);
    }
    if (value !== undefined) checked[name] = checks[name](value, path);
  }
  return checked;
}

function isKnown<Options extends object>(
  checks: OptionChecks<Options>,
  name: string,
): name is Extract<keyof Options, string> {
  return Object.hasOwn(checks, name);
}

/** The error for an option with a bad value; the message says what is expected and what came. */
export function badOption(name: string, expected: string, value: unknown): SluiceError {
  return new SluiceError('SLUICE_BAD_OPTION', `${name} must be ${expected}, not ${shown(value)}`);
}

/** `true` or `false`. */
export const booleanOption: OptionCheck<boolean> = (value, name) => {
  if (typeof value !== 'boolean') throw badOption(name, 'true or false', value);
  return value;
};

/** Bounds of a number, inclusive unless they say otherwise. */
export interface NumberBounds {
  /** Only whole numbers that are safe integers. */
  whole?: boolean;
  /** The number is this or more. */
  min?: number;
  /** The number is more than this. */
  above?: number;
  /** The number is this or less. */
  max?: number;
}

/** A finite number within bounds. */
export function numberOption(bounds: NumberBounds): OptionCheck<number> {
  const { whole = false, min, above, max } = bounds;
  const limits: string[] = [];
  if (min !== undefined) limits.push(`of at least ${min}`);
  if (above !== undefined) limits.push(`above ${above}`);
  if (max !== undefined) limits.push(limits.length === 0 ? `of at most ${max}` : `at most ${max}`);
  const expected = `${whole ? 'a whole number' : 'a finite number'} ${limits.join(' and ')}`.trim();
  return (value, name) => {
    const good =
      typeof value === 'number' &&
      (whole ? Number.isSafeInteger(value) : Number.isFinite(value)) &&
      (min === undefined || value >= min) &&
      (above === undefined || value > above) &&
      (max === undefined || value <= max);
    if (!good) throw badOption(name, expected, value);
    // Adding 0 turns -0, which passes as "at least 0", into 0.
    return value + 0;
  };
}

/** What `check` accepts, or null. */
export function nullable<T>(check: OptionCheck<T>): OptionCheck<T | null> {
  return (value, name) => (value === null ? null : check(value, name));
}

/** One of a few strings. */
export function oneOf<T extends string>(values: readonly T[]): OptionCheck<T> {
  return (value, name) => {
    const found = values.find((known) => known === value);
    if (found === undefined) throw badOption(name, `one of ${values.join(', ')}`, value);
    return found;
  };
}

/** An object that has these methods; `what` it must be is for the message. */
export function objectWith<T extends object>(
  what: string,
  methods: readonly (keyof T & string)[],
): OptionCheck<T> {
  const fits = (value: unknown): value is T => missingMethod(value, methods) === undefined;
  const expected = `${what} with the methods ${methods.join(', ')}`;
  return (value, name) => {
    if (!fits(value)) throw badOption(name, expected, value);
    return value;
  };
}

/** The first of these methods that a value doesn't have, or undefined. */
export function missingMethod(value: unknown, methods: readonly string[]): string | undefined {
  const owner = typeof value === 'object' && value !== null ? value : {};
  return methods.find((method) => typeof Reflect.get(owner, method) !== 'function');
}

/** A function; nobody can tell by looking at it what it takes. */
export function functionOption<T extends (...inputs: never[]) => unknown>(): OptionCheck<T> {
  const fits = (value: unknown): value is T => typeof value === 'function';
  return (value, name) => {
    if (!fits(value)) throw badOption(name, 'a function', value);
    return value;
  };
}

/** An AbortSignal, by its shape: one of another realm or of a polyfill is one too. */
export const signalOption: OptionCheck<AbortSignal> = (value, name) => {
  const fits = (signal: object): signal is AbortSignal =>
    typeof Reflect.get(signal, 'aborted') === 'boolean' &&
    typeof Reflect.get(signal, 'addEventListener') === 'function';
  if (typeof value !== 'object' || value === null || !fits(value)) {
    throw badOption(name, 'an AbortSignal', value);
  }
  return value;
};

/** A short text of anything, for messages. */
export function shown(value: unknown): string {
  if (typeof value === 'string') {
    return JSON.stringify(value.length > 40 ? `${value.slice(0, 40)}…` : value);
  }
  if (Array.isArray(value)) return 'an array';
  if (typeof value === 'function') return 'a function';
  if (typeof value === 'object' && value !== null) return 'an object';
  return String(value);
}
