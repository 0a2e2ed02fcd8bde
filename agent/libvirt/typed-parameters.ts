import type { Codec } from './xdr.ts';
import { array, double, int32, int64, string, struct, uint32, uint64, XdrError } from './xdr.ts';

/** A value of a typed parameter; booleans travel as 0 or 1. */
type ParameterValue =
  | { readonly type: 'int' | 'uint' | 'double'; readonly value: number }
  | { readonly type: 'long' | 'ulong'; readonly value: bigint }
  | { readonly type: 'boolean'; readonly value: boolean }
  | { readonly type: 'string'; readonly value: string };

const parameterValue: Codec<ParameterValue> = {
  minBytes: 8,
  read: (reader) => {
    const type = reader.int32();
    switch (type) {
      case 1:
        return { type: 'int', value: reader.int32() };
      case 2:
        return { type: 'uint', value: reader.uint32() };
      case 3:
        return { type: 'long', value: reader.int64() };
      case 4:
        return { type: 'ulong', value: reader.uint64() };
      case 5:
        return { type: 'double', value: reader.double() };
      case 6:
        return { type: 'boolean', value: reader.int32() !== 0 };
      case 7:
        return { type: 'string', value: string.read(reader) };
      default:
        throw new XdrError(`unknown parameter type ${type}`);
    }
  },
  write: (writer, parameter) => {
    switch (parameter.type) {
      case 'int':
        writer.int32(1);
        int32.write(writer, parameter.value);
        break;
      case 'uint':
        writer.int32(2);
        uint32.write(writer, parameter.value);
        break;
      case 'long':
        writer.int32(3);
        int64.write(writer, parameter.value);
        break;
      case 'ulong':
        writer.int32(4);
        uint64.write(writer, parameter.value);
        break;
      case 'double':
        writer.int32(5);
        double.write(writer, parameter.value);
        break;
      case 'boolean':
        writer.int32(6);
        int32.write(writer, parameter.value ? 1 : 0);
        break;
      case 'string':
        writer.int32(7);
        string.write(writer, parameter.value);
        break;
    }
  },
};

export interface Parameter {
  readonly field: string;
  readonly value: ParameterValue;
}

/** `{ string field, union by type }`. An unknown type ends the connection: its length is unknown. */
export const parameters: Codec<readonly Parameter[]> = parametersUpTo(262_144);

export function parametersUpTo(max: number): Codec<readonly Parameter[]> {
  return array(struct<Parameter>({ field: string, value: parameterValue }), max);
}
