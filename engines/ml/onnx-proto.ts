import protobuf from 'protobufjs';

/** The part of onnx.proto (Apache-2.0, github.com/onnx/onnx) that a tree ensemble needs, with its field numbers. */
const ONNX_PROTO = `
syntax = "proto3";
package onnx;
message AttributeProto {
  enum AttributeType { UNDEFINED = 0; FLOAT = 1; INT = 2; STRING = 3; TENSOR = 4; GRAPH = 5; FLOATS = 6; INTS = 7; STRINGS = 8; }
  string name = 1;
  float f = 2;
  int64 i = 3;
  bytes s = 4;
  repeated float floats = 7;
  repeated int64 ints = 8;
  repeated bytes strings = 9;
  AttributeType type = 20;
}
message NodeProto {
  repeated string input = 1;
  repeated string output = 2;
  string name = 3;
  string op_type = 4;
  repeated AttributeProto attribute = 5;
  string domain = 7;
}
message TensorProto {
  repeated int64 dims = 1;
  int32 data_type = 2;
  repeated float float_data = 4;
  repeated int64 int64_data = 7;
  string name = 8;
}
message TensorShapeProto {
  message Dimension { oneof value { int64 dim_value = 1; string dim_param = 2; } }
  repeated Dimension dim = 1;
}
message TypeProto {
  message Tensor { int32 elem_type = 1; TensorShapeProto shape = 2; }
  Tensor tensor_type = 1;
}
message ValueInfoProto { string name = 1; TypeProto type = 2; }
message GraphProto {
  repeated NodeProto node = 1;
  string name = 2;
  repeated TensorProto initializer = 5;
  repeated ValueInfoProto input = 11;
  repeated ValueInfoProto output = 12;
}
message OperatorSetIdProto { string domain = 1; int64 version = 2; }
message ModelProto {
  int64 ir_version = 1;
  string producer_name = 2;
  GraphProto graph = 7;
  repeated OperatorSetIdProto opset_import = 8;
}
`;

let model: protobuf.Type | undefined;

export interface Attribute {
  name: string;
  type: number;
  i?: number;
  s?: Uint8Array;
  floats?: ArrayLike<number>;
  ints?: ArrayLike<number>;
  strings?: Uint8Array[];
}
export interface Node {
  opType: string;
  domain?: string;
  input: string[];
  output: string[];
  attribute?: Attribute[];
}
/** A dimension is a size, or a name for one that varies. */
type Dimension = number | string;

const FLOAT = 1;
const INT64 = 7;

export const ints = (name: string, values: ArrayLike<number>): Attribute => ({ name, type: 7, ints: values });
export const floats = (name: string, values: ArrayLike<number>): Attribute => ({
  name,
  type: 6,
  floats: values,
});
export const int = (name: string, value: number): Attribute => ({ name, type: 2, i: value });
export const text = (name: string, value: string): Attribute => ({ name, type: 3, s: Buffer.from(value) });
export const texts = (name: string, values: string[]): Attribute => ({
  name,
  type: 8,
  strings: values.map((value) => Buffer.from(value)),
});
export const floatTensor = (name: string, shape: Dimension[]): object => ({
  name,
  type: { tensorType: { elemType: FLOAT, shape: { dim: shape.map(dimension) } } },
});
export const int64Constant = (name: string, values: number[]): object => ({
  name,
  dims: [values.length],
  dataType: INT64,
  int64Data: values,
});
export const floatConstant = (name: string, values: number[]): object => ({
  name,
  dims: [values.length],
  dataType: FLOAT,
  floatData: values,
});

const dimension = (size: Dimension): object =>
  typeof size === 'number' ? { dimValue: size } : { dimParam: size };

/** @returns the bytes of a model of IR version 8 with the operators of opset 17 and ai.onnx.ml 3 */
export function encodeModel(graph: {
  name: string;
  node: Node[];
  initializer?: object[];
  input: object[];
  output: object[];
}): Uint8Array {
  model ??= protobuf.parse(ONNX_PROTO).root.lookupType('onnx.ModelProto');
  return model
    .encode(
      model.fromObject({
        irVersion: 8,
        producerName: 'millrace',
        graph,
        opsetImport: [
          { domain: '', version: 17 },
          { domain: 'ai.onnx.ml', version: 3 },
        ],
      }),
    )
    .finish();
}
