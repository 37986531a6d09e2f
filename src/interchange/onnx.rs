//! p(h | v) as a graph of ONNX: hidden = Sigmoid(Gemm(visible, weights, hidden_bias)).
//!
//! The messages have the fields of ONNX's `onnx.proto` that are used here. `prost` encodes them, which the
//! event files of TensorBoard need anyway.

use crate::model::Rbm;
use ndarray::Array1;
use prost::Message;

/// The version of the format (of ONNX 1.8), which all runtimes since 2020 read.
const IR_VERSION: i64 = 7;

/// The version of the operators that belongs to it.
const OPSET_VERSION: i64 = 13;

/// `TensorProto.DataType.FLOAT`.
const FLOAT: i32 = 1;

/// `ModelProto`.
#[derive(Clone, PartialEq, Message)]
struct Model {
    #[prost(int64, tag = "1")]
    ir_version: i64,
    #[prost(string, tag = "2")]
    producer_name: String,
    #[prost(string, tag = "3")]
    producer_version: String,
    #[prost(string, tag = "6")]
    doc_string: String,
    #[prost(message, optional, tag = "7")]
    graph: Option<Graph>,
    #[prost(message, repeated, tag = "8")]
    opset_import: Vec<OperatorSet>,
    #[prost(message, repeated, tag = "14")]
    metadata_props: Vec<Entry>,
}

/// `OperatorSetIdProto`, of ONNX's own operators.
#[derive(Clone, PartialEq, Message)]
struct OperatorSet {
    #[prost(int64, tag = "2")]
    version: i64,
}

/// `StringStringEntryProto`.
#[derive(Clone, PartialEq, Message)]
struct Entry {
    #[prost(string, tag = "1")]
    key: String,
    #[prost(string, tag = "2")]
    value: String,
}

/// `GraphProto`.
#[derive(Clone, PartialEq, Message)]
struct Graph {
    #[prost(message, repeated, tag = "1")]
    node: Vec<Node>,
    #[prost(string, tag = "2")]
    name: String,
    #[prost(message, repeated, tag = "5")]
    initializer: Vec<Tensor>,
    #[prost(message, repeated, tag = "11")]
    input: Vec<Value>,
    #[prost(message, repeated, tag = "12")]
    output: Vec<Value>,
}

/// `NodeProto`.
#[derive(Clone, PartialEq, Message)]
struct Node {
    #[prost(string, repeated, tag = "1")]
    input: Vec<String>,
    #[prost(string, repeated, tag = "2")]
    output: Vec<String>,
    #[prost(string, tag = "3")]
    name: String,
    #[prost(string, tag = "4")]
    op_type: String,
}

/// `TensorProto`.
#[derive(Clone, PartialEq, Message)]
struct Tensor {
    #[prost(int64, repeated, packed = "false", tag = "1")]
    dims: Vec<i64>,
    #[prost(int32, tag = "2")]
    data_type: i32,
    #[prost(string, tag = "8")]
    name: String,
    #[prost(bytes = "vec", tag = "9")]
    raw_data: Vec<u8>,
}

/// `ValueInfoProto`.
#[derive(Clone, PartialEq, Message)]
struct Value {
    #[prost(string, tag = "1")]
    name: String,
    #[prost(message, optional, tag = "2")]
    kind: Option<Type>,
    #[prost(string, tag = "3")]
    doc_string: String,
}

/// `TypeProto`, of a tensor.
#[derive(Clone, PartialEq, Message)]
struct Type {
    #[prost(message, optional, tag = "1")]
    tensor_type: Option<TensorType>,
}

/// `TypeProto.Tensor`.
#[derive(Clone, PartialEq, Message)]
struct TensorType {
    #[prost(int32, tag = "1")]
    elem_type: i32,
    #[prost(message, optional, tag = "2")]
    shape: Option<Shape>,
}

/// `TensorShapeProto`.
#[derive(Clone, PartialEq, Message)]
struct Shape {
    #[prost(message, repeated, tag = "1")]
    dim: Vec<Dimension>,
}

/// `TensorShapeProto.Dimension`: a number, or a name for one that is open.
#[derive(Clone, PartialEq, Message)]
struct Dimension {
    #[prost(int64, optional, tag = "1")]
    dim_value: Option<i64>,
    #[prost(string, optional, tag = "2")]
    dim_param: Option<String>,
}

/// The bytes of a graph with one input `visible` (N, V) and one output `hidden` (N, H), f32.
pub(super) fn encode(rbm: &Rbm) -> Vec<u8> {
    let tensor = |name: &str, dims: &[usize], values: &mut dyn Iterator<Item = f32>| Tensor {
        dims: dims.iter().map(|&side| size(side)).collect(),
        data_type: FLOAT,
        name: name.to_string(),
        raw_data: values.flat_map(f32::to_le_bytes).collect(),
    };
    let node = |op_type: &str, inputs: &[&str], output: &str| Node {
        input: inputs.iter().map(ToString::to_string).collect(),
        output: vec![output.to_string()],
        name: op_type.to_lowercase(),
        op_type: op_type.to_string(),
    };
    let (weights, hidden_bias): (_, &Array1<f32>) = (rbm.weights(), rbm.hidden_bias());
    let graph = Graph {
        node: vec![
            node("Gemm", &["visible", "weights", "hidden_bias"], "inputs"),
            node("Sigmoid", &["inputs"], "hidden"),
        ],
        name: "hidden_given_visible".to_string(),
        initializer: vec![
            tensor("weights", weights.shape(), &mut weights.iter().copied()),
            tensor("hidden_bias", hidden_bias.shape(), &mut hidden_bias.iter().copied()),
        ],
        input: vec![value("visible", rbm.n_visible(), "bits 0 and 1, or their means from 0 to 1")],
        output: vec![value("hidden", rbm.n_hidden(), "p(h = 1 | v)")],
    };
    let model = Model {
        ir_version: IR_VERSION,
        producer_name: env!("CARGO_PKG_NAME").to_string(),
        producer_version: env!("CARGO_PKG_VERSION").to_string(),
        doc_string: "The hidden units of a restricted Boltzmann machine, given its visible units."
            .to_string(),
        graph: Some(graph),
        opset_import: vec![OperatorSet { version: OPSET_VERSION }],
        metadata_props: vec![Entry { key: "parameters_sha256".to_string(), value: rbm.sha256() }],
    };
    model.encode_to_vec()
}

/// A matrix (N, units) of f32.
fn value(name: &str, n_units: usize, doc_string: &str) -> Value {
    let examples = Dimension { dim_value: None, dim_param: Some("N".to_string()) };
    let units = Dimension { dim_value: Some(size(n_units)), dim_param: None };
    let shape = Some(Shape { dim: vec![examples, units] });
    Value {
        name: name.to_string(),
        kind: Some(Type { tensor_type: Some(TensorType { elem_type: FLOAT, shape }) }),
        doc_string: doc_string.to_string(),
    }
}

fn size(side: usize) -> i64 {
    i64::try_from(side).expect("the size of an array fits an i64")
}
