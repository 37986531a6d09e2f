"""harmonium's model.safetensors: how the parameters of all peers reach its evaluator."""
import json


def write(path, weights, visible_bias, hidden_bias, origin):
    """Writes weights (V, H), visible biases (V) and hidden biases (H) of whatever precision as f32."""
    import numpy as np
    from safetensors.numpy import save_file

    single = lambda x: np.ascontiguousarray(x, dtype=np.float32)
    metadata = {
        "format_version": 1,
        "n_visible": weights.shape[0],
        "n_hidden": weights.shape[1],
        "crate_version": "",
        "data": {},
        "image_shape": None,
        "settings": {"trained_by": origin},
        "stream_version": 1,
    }
    tensors = {"weights": weights, "visible_bias": visible_bias, "hidden_bias": hidden_bias}
    tensors = {name: single(x) for name, x in tensors.items()}
    save_file(tensors, path, metadata={"harmonium": json.dumps(metadata)})


def read(path):
    """Weights, visible biases and hidden biases."""
    from safetensors.numpy import load_file

    tensors = load_file(path)
    return tensors["weights"], tensors["visible_bias"], tensors["hidden_bias"]
