/** Why an etcd cannot be used as it is configured. Waiting would not mend it. */
export class EtcdUnusable extends Error {
  readonly what: string;
  readonly because: string;
  readonly try: readonly string[];

  constructor(text: {
    readonly what: string;
    readonly because: string;
    readonly try: readonly string[];
  }) {
    super(`${text.what}: ${text.because}`);
    this.name = 'EtcdUnusable';
    this.what = text.what;
    this.because = text.because;
    this.try = text.try;
  }
}
