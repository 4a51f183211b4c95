const PAGE_BYTES = 64 * 1024;
/** 4 GiB, of which what is not used takes address space alone. */
const PAGES_MAX = 65_536;
/** Memory is taken from the system in steps of 1 MiB. */
const GROWTH_PAGES = 16;

/** Memory that WebAssembly works in, and that grows. It is shared: worker threads may have it. */
export class WasmMemory {
  readonly #memory: WebAssembly.Memory;
  #usedBytes = 0;

  private constructor(memory: WebAssembly.Memory) {
    this.#memory = memory;
  }

  /**
   * With so many bytes in use, from 0 on. Undefined when there is no WebAssembly
   * (`node --jitless`), or no memory or address space left.
   */
  static create(bytes: number): WasmMemory | undefined {
    if (typeof WebAssembly === 'undefined') return undefined;
    try {
      const memory = new WasmMemory(
        new WebAssembly.Memory({ initial: 1, maximum: PAGES_MAX, shared: true }),
      );
      memory.add(bytes);
      return memory;
    } catch (error) {
      if (error instanceof RangeError) return undefined;
      throw error;
    }
  }

  /** All of it that there is by now. */
  get buffer(): ArrayBufferLike {
    return this.#memory.buffer;
  }

  /**
   * Where so many bytes more begin, all 0; undefined when the 4 GiB are full. Throws a `RangeError`
   * when the machine has no memory.
   */
  add(bytes: number): number | undefined {
    const begin = this.#usedBytes;
    const end = begin + bytes;
    if (end > PAGES_MAX * PAGE_BYTES) return undefined;
    const { byteLength } = this.#memory.buffer;
    if (end > byteLength) {
      const pages = Math.ceil((end - byteLength) / PAGE_BYTES);
      this.#memory.grow(
        Math.max(pages, Math.min(GROWTH_PAGES, PAGES_MAX - byteLength / PAGE_BYTES)),
      );
    }
    this.#usedBytes = end;
    return begin;
  }

  /** What a module exports that was made for such a memory. */
  run(module: WebAssembly.Module): WebAssembly.Exports {
    return new WebAssembly.Instance(module, { vectors: { memory: this.#memory } }).exports;
  }
}

/** A module from its text in base64. */
export function moduleOf(base64: string): WebAssembly.Module {
  const bytes = Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
  return new WebAssembly.Module(bytes);
}
