// The forward pass of a packed network (interpbook.explore.network), one input at a time. An array of values is
// flat, in torch's order, with its shape beside it: index 0 of network.shapes and of a trace is the input, index k the
// output of the k-th layer, which is network.layers[k - 1]. Layers never write into what they are given.

// What readNetwork makes of the data that Python packed: the layers with their parameters as Float64Arrays.
function readNetwork(data) {
  var weights = decodeHalves(data.weights);
  var shapes = [data.input];
  var layers = data.layers.map(function (described, k) {
    var layer = Object.assign({}, described, { input: shapes[k], inputSize: sizeOf(shapes[k]) });
    layer.size = sizeOf(layer.shape);
    Object.keys(described.parameters).forEach(function (name) {
      var range = described.parameters[name];
      layer[name] = weights.subarray(range[0], range[1]);
    });
    if (layer.kernel) {
      layer.taps = tapsOf(layer);
    }
    if (prepareLayer[layer.kind]) {
      prepareLayer[layer.kind](layer);
    }
    shapes.push(layer.shape);
    return layer;
  });
  return { layers: layers, shapes: shapes };
}

// The values at the input and after every layer; the logits are the last.
function forward(network, x) {
  var trace = [x];
  network.layers.forEach(function (layer, k) {
    trace.push(layerForward[layer.kind](layer, trace[k]));
  });
  return trace;
}

function sizeOf(shape) {
  return shape.reduce(function (product, length) {
    return product * length;
  }, 1);
}

// The places of a kernel, row by row. Each is where it lies in the input as seen from output (0, 0), and the outputs,
// from top to bottom and left to right (ends excluded), for which it does not lie in the padding.
function tapsOf(layer) {
  var taps = [];
  function reach(axis, place) {
    var shift = place * layer.dilation[axis] - layer.padding[axis];
    var first = Math.max(0, Math.ceil(-shift / layer.stride[axis]));
    var last = Math.floor((layer.input[axis + 1] - 1 - shift) / layer.stride[axis]);
    return { shift: shift, first: first, end: Math.min(layer.shape[axis + 1], last + 1) };
  }
  for (var i = 0; i < layer.kernel[0]; i++) {
    for (var j = 0; j < layer.kernel[1]; j++) {
      var rows = reach(0, i);
      var columns = reach(1, j);
      taps.push({
        offset: rows.shift * layer.input[2] + columns.shift,
        top: rows.first,
        bottom: rows.end,
        left: columns.first,
        right: columns.end,
      });
    }
  }
  return taps;
}

// What a layer needs again and again, computed once when the network is read.
var prepareLayer = {
  // Batch norm with fixed statistics is u * scale + shift, channel by channel.
  norm: function (layer) {
    layer.scale = layer.variance.map(function (variance, c) {
      return (layer.weight ? layer.weight[c] : 1) / Math.sqrt(variance + layer.eps);
    });
    layer.shift = layer.mean.map(function (mean, c) {
      return (layer.bias ? layer.bias[c] : 0) - mean * layer.scale[c];
    });
  },

  // How many values each average is over; Python gives the number unless it depends on the place.
  average: function (layer) {
    layer.count = new Float64Array(layer.shape[1] * layer.shape[2]).fill(layer.divisor || 0);
    if (!layer.divisor) {
      layer.taps.forEach(function (tap) {
        for (var y = tap.top; y < tap.bottom; y++) {
          for (var x = tap.left; x < tap.right; x++) {
            layer.count[y * layer.shape[2] + x] += 1;
          }
        }
      });
    }
  },
};

// eta(u) of every activation, for one number; `layer` holds its settings.
var activationValue = {
  relu: function (layer, u) {
    return u > 0 ? u : 0;
  },
  leaky_relu: function (layer, u) {
    return u > 0 ? u : u * layer.slope;
  },
  softplus: function (layer, u) {
    var t = u * layer.beta;
    return t > layer.threshold ? u : (Math.max(t, 0) + Math.log1p(Math.exp(-Math.abs(t)))) / layer.beta;
  },
  silu: function (layer, u) {
    return u * sigmoid(u);
  },
  gelu: function (layer, u) {
    return u * normalShare(u);
  },
  gelu_tanh: function (layer, u) {
    return 0.5 * u * (1 + Math.tanh(geluTanhArgument(u)));
  },
  tanh: function (layer, u) {
    return Math.tanh(u);
  },
  sigmoid: function (layer, u) {
    return sigmoid(u);
  },
};

function sigmoid(u) {
  return 1 / (1 + Math.exp(-u));
}

function geluTanhArgument(u) {
  return Math.sqrt(2 / Math.PI) * (u + 0.044715 * u * u * u);
}

// The standard normal distribution function. The series for erf has terms of one sign only, so nothing cancels.
function normalShare(u) {
  var square = u * u;
  if (square > 100) {
    return u > 0 ? 1 : 0;
  }
  var term = u;
  var sum = u;
  for (var n = 3; Math.abs(term) > 1e-17 * Math.abs(sum); n += 2) {
    term *= square / n;
    sum += term;
  }
  return 0.5 + sum * normalDensity(u);
}

function normalDensity(u) {
  return Math.exp(-0.5 * u * u) / Math.sqrt(2 * Math.PI);
}

// The output of a layer of each kind for its input u.
var layerForward = {
  conv: function (layer, u) {
    var z = new Float64Array(layer.size);
    var area = layer.shape[1] * layer.shape[2];
    if (layer.bias) {
      layer.bias.forEach(function (bias, channel) {
        z.fill(bias, channel * area, (channel + 1) * area);
      });
    }
    eachKernelTap(layer, function (weight, tap, from, to) {
      gather(layer, tap, weight, u, from, z, to);
    });
    return z;
  },

  linear: function (layer, u) {
    var z = new Float64Array(layer.size);
    for (var o = 0; o < z.length; o++) {
      var sum = 0;
      var row = o * u.length;
      for (var i = 0; i < u.length; i++) {
        sum += layer.weight[row + i] * u[i];
      }
      z[o] = sum + (layer.bias ? layer.bias[o] : 0);
    }
    return z;
  },

  norm: function (layer, u) {
    var z = new Float64Array(layer.size);
    var area = z.length / layer.shape[0];
    for (var i = 0; i < z.length; i++) {
      var channel = (i / area) | 0;
      z[i] = u[i] * layer.scale[channel] + layer.shift[channel];
    }
    return z;
  },

  average: function (layer, u) {
    var z = new Float64Array(layer.size);
    eachPoolTap(layer, function (tap, from, to) {
      gather(layer, tap, 1, u, from, z, to);
    });
    for (var i = 0; i < z.length; i++) {
      z[i] /= layer.count[i % layer.count.length];
    }
    return z;
  },

  max: function (layer, u) {
    var z = new Float64Array(layer.size).fill(-Infinity);
    eachPoolTap(layer, function (tap, from, to) {
      for (var y = tap.top; y < tap.bottom; y++) {
        var row = from + tap.offset + y * layer.stride[0] * layer.input[2];
        for (var x = tap.left; x < tap.right; x++) {
          var value = u[row + x * layer.stride[1]];
          if (value > z[to + y * layer.shape[2] + x]) {
            z[to + y * layer.shape[2] + x] = value;
          }
        }
      }
    });
    return z;
  },

  flatten: function (layer, u) {
    return u;
  },
};

Object.keys(activationValue).forEach(function (kind) {
  layerForward[kind] = function (layer, u) {
    var z = new Float64Array(layer.size);
    for (var i = 0; i < z.length; i++) {
      z[i] = activationValue[kind](layer, u[i]);
    }
    return z;
  };
});

// Calls visit(weight, tap, from, to) for every weight of a convolution, with the places where its input channel and
// its output channel begin.
function eachKernelTap(layer, visit) {
  var outputs = layer.shape[0] / layer.groups;
  var inputs = layer.input[0] / layer.groups;
  var area = layer.shape[1] * layer.shape[2];
  var inputArea = layer.input[1] * layer.input[2];
  var position = 0;
  for (var o = 0; o < layer.shape[0]; o++) {
    var first = Math.floor(o / outputs) * inputs;
    for (var i = first; i < first + inputs; i++) {
      for (var t = 0; t < layer.taps.length; t++) {
        visit(layer.weight[position++], layer.taps[t], i * inputArea, o * area);
      }
    }
  }
}

// Calls visit(tap, from, to) for every channel and place of a pooling layer's kernel.
function eachPoolTap(layer, visit) {
  for (var c = 0; c < layer.shape[0]; c++) {
    for (var t = 0; t < layer.taps.length; t++) {
      var from = c * layer.input[1] * layer.input[2];
      visit(layer.taps[t], from, c * layer.shape[1] * layer.shape[2]);
    }
  }
}

// z += weight * u, for the values that one place of the kernel sees.
function gather(layer, tap, weight, u, from, z, to) {
  var width = layer.shape[2];
  var step = layer.stride[1];
  var down = layer.stride[0] * layer.input[2];
  for (var y = tap.top; y < tap.bottom; y++) {
    var source = from + tap.offset + y * down + tap.left * step;
    var end = to + y * width + tap.right;
    for (var target = to + y * width + tap.left; target < end; target++) {
      z[target] += weight * u[source];
      source += step;
    }
  }
}
