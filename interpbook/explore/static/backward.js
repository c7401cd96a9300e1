// The backward pass of a packed network, after layers.js: from an adjoint of the logits (1 at one class, 0 elsewhere)
// to the gradient at the input and at every layer's output. Indices are those of a trace: 0 is the input, k the output
// of the k-th layer.

// The gradients at the input and after every layer of the number <adjoint, logits>.
function backward(network, trace, adjoint) {
  var adjoints = new Array(trace.length);
  adjoints[trace.length - 1] = adjoint;
  for (var k = trace.length - 1; k > 0; k--) {
    var layer = network.layers[k - 1];
    adjoints[k - 1] = layerBackward[layer.kind](layer, adjoints[k], trace[k - 1], trace[k]);
  }
  return adjoints;
}

// eta'(u) of every activation, for one number; 0 for ReLU at 0, as in torch.
var activationSlope = {
  relu: function (layer, u) {
    return u > 0 ? 1 : 0;
  },
  leaky_relu: function (layer, u) {
    return u > 0 ? 1 : layer.slope;
  },
  softplus: function (layer, u) {
    return u * layer.beta > layer.threshold ? 1 : sigmoid(u * layer.beta);
  },
  silu: function (layer, u) {
    var share = sigmoid(u);
    return share * (1 + u * (1 - share));
  },
  gelu: function (layer, u) {
    return normalShare(u) + u * normalDensity(u);
  },
  gelu_tanh: function (layer, u) {
    var value = Math.tanh(geluTanhArgument(u));
    var inner = Math.sqrt(2 / Math.PI) * (1 + 3 * 0.044715 * u * u);
    return 0.5 * (1 + value + u * (1 - value * value) * inner);
  },
  tanh: function (layer, u) {
    var value = Math.tanh(u);
    return 1 - value * value;
  },
  sigmoid: function (layer, u) {
    var value = sigmoid(u);
    return value * (1 - value);
  },
};

// The gradient at a layer's input u, from the gradient g at its output z.
var layerBackward = {
  conv: function (layer, g) {
    var result = new Float64Array(layer.inputSize);
    eachKernelTap(layer, function (weight, tap, from, to) {
      scatter(layer, tap, weight, g, to, result, from);
    });
    return result;
  },

  linear: function (layer, g) {
    var result = new Float64Array(layer.inputSize);
    for (var o = 0; o < g.length; o++) {
      // Most often the adjoint of the logits, which is 0 but for one class.
      if (g[o] !== 0) {
        for (var i = 0, row = o * result.length; i < result.length; i++) {
          result[i] += g[o] * layer.weight[row + i];
        }
      }
    }
    return result;
  },

  norm: function (layer, g) {
    var area = g.length / layer.shape[0];
    return g.map(function (value, i) {
      return value * layer.scale[(i / area) | 0];
    });
  },

  average: function (layer, g) {
    var result = new Float64Array(layer.inputSize);
    var shares = g.map(function (value, i) {
      return value / layer.count[i % layer.count.length];
    });
    eachPoolTap(layer, function (tap, from, to) {
      scatter(layer, tap, 1, shares, to, result, from);
    });
    return result;
  },

  // All of it goes to the largest value; of equal ones to the first, as in torch.
  max: function (layer, g, u, z) {
    var result = new Float64Array(layer.inputSize);
    var taken = new Uint8Array(g.length);
    eachPoolTap(layer, function (tap, from, to) {
      for (var y = tap.top; y < tap.bottom; y++) {
        var row = from + tap.offset + y * layer.stride[0] * layer.input[2];
        for (var x = tap.left; x < tap.right; x++) {
          var target = to + y * layer.shape[2] + x;
          var source = row + x * layer.stride[1];
          if (!taken[target] && u[source] === z[target]) {
            taken[target] = 1;
            result[source] += g[target];
          }
        }
      }
    });
    return result;
  },

  flatten: function (layer, g) {
    return g;
  },
};

Object.keys(activationSlope).forEach(function (kind) {
  layerBackward[kind] = function (layer, g, u) {
    var result = new Float64Array(layer.inputSize);
    for (var i = 0; i < result.length; i++) {
      result[i] = g[i] && g[i] * activationSlope[kind](layer, u[i]);
    }
    return result;
  };
});

// result += weight * g: the transpose of gather.
function scatter(layer, tap, weight, g, to, result, from) {
  var width = layer.shape[2];
  var step = layer.stride[1];
  var down = layer.stride[0] * layer.input[2];
  for (var y = tap.top; y < tap.bottom; y++) {
    var target = from + tap.offset + y * down + tap.left * step;
    var end = to + y * width + tap.right;
    for (var source = to + y * width + tap.left; source < end; source++) {
      result[target] += weight * g[source];
      target += step;
    }
  }
}
