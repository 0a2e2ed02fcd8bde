const block = /-----BEGIN ([A-Z0-9 ]+)-----([A-Za-z0-9+/=\s]+)-----END \1-----/g;

export interface PemBlock {
  readonly label: string;
  readonly der: Uint8Array;
  /** This block alone, with a final newline. */
  readonly pem: string;
}

/** Every block of a PEM text, in order; text around blocks is ignored. */
export function pemBlocks(text: string): readonly PemBlock[] {
  return [...text.matchAll(block)].map(([all, label, body]) => ({
    label: label ?? '',
    der: Buffer.from(body ?? '', 'base64'),
    pem: `${all}\n`,
  }));
}

/** DER of every certificate in a PEM text, in order. */
export function certificatesOfPem(text: string): readonly Uint8Array[] {
  return pemBlocks(text)
    .filter((part) => part.label === 'CERTIFICATE')
    .map((part) => part.der);
}

/** DER of the first certificate of a PEM text. Throws when there is none: a defect of the caller. */
export function derOfPem(text: string): Uint8Array {
  const [first] = certificatesOfPem(text);
  if (first === undefined) throw new Error('no certificate in the PEM text');
  return first;
}
