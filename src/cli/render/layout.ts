import picocolors from 'picocolors';

/** Colour is only ever an extra: every text says the same without it. */
export interface Paint {
  readonly bold: Brush;
  readonly dim: Brush;
  readonly good: Brush;
  readonly warning: Brush;
  readonly critical: Brush;
}

type Brush = (text: string) => string;

export interface Layout {
  /** Text is wrapped and free-text columns are cut here. Infinity = never. */
  readonly columns: number;
  /** Lines that `status` may fill before it leaves out what is well. Infinity = all of it. */
  readonly rows: number;
  readonly isWide: boolean;
  readonly paint: Paint;
}

const same = (text: string): string => text;

const plainPaint: Paint = {
  bold: same,
  dim: same,
  good: same,
  warning: same,
  critical: same,
};

/** The size that everything must fit when nothing better is known. */
const classicSize = { columns: 80, rows: 24 };

/** Layout of an output: piped, it is as if for 80 × 24, but nothing is cut off. */
export function makeLayout(options: {
  readonly size: { readonly columns: number; readonly rows: number } | null;
  readonly isWide: boolean;
  readonly isColored: boolean;
}): Layout {
  const size = options.size ?? classicSize;
  const colors = picocolors.createColors(options.isColored);
  return {
    columns: options.isWide || options.size === null ? Infinity : Math.max(size.columns, 40),
    rows: options.isWide ? Infinity : size.rows,
    isWide: options.isWide,
    paint: {
      bold: colors.bold,
      dim: colors.dim,
      good: colors.green,
      warning: colors.yellow,
      critical: colors.red,
    },
  };
}

export const plainLayout: Layout = {
  ...classicSize,
  isWide: false,
  paint: plainPaint,
};
