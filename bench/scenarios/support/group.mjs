/** Callers that come while a batch is being written share the next one. */
export class Group {
  #write;
  #waiting = [];
  #running = false;

  constructor(write) {
    this.#write = write;
  }

  add(record) {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ record, resolve, reject });
      if (!this.#running) this.#run();
    });
  }

  async #run() {
    this.#running = true;
    await undefined;
    while (this.#waiting.length > 0) {
      const taken = this.#waiting.splice(0);
      try {
        await this.#write(taken.map(({ record }) => record));
        for (const { resolve } of taken) resolve();
      } catch (error) {
        for (const { reject } of taken) reject(error);
      }
    }
    this.#running = false;
  }
}
