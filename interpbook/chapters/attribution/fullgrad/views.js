// The page's half of the views of full-gradients; the kernel's half is views.py.

var fullgrad = {};

fullgrad.terms = function (now) {
  var parts = fullGradients(now.network, now.trace, now.logitGradients());
  var folding = now.settings.batch_norm === "folded into the layer before";
  var pairs = folding ? foldedPairs(now.network) : [];
  var terms = parts.biases.map(function (term) {
    return { name: term.name, share: sum(term.values) };
  });
  terms = foldTerms(countedFrom(now, sum(parts.input), terms), pairs);
  var labels = terms.map(function (term) {
    return term.name;
  });
  var values = terms.map(function (term) {
    return term.share;
  });
  var facts = terms.map(function (term, k) {
    return [k ? "next" : "first", term];
  });
  return {
    pictures: [{ kind: "waterfall", labels: labels, values: values, total: "logit" }],
    facts: facts.concat([["total", { logit: sum(values) }]], folding && !pairs.length ? [["nothing_to_fold", {}]] : [])
  };
};

// The terms of the same function of x - zero, whose first layer has absorbed the shift: what the input loses, the
// gradient times the shift, that layer's bias gains.
function countedFrom(now, input, terms) {
  var moved = now.settings.what_is_zero * sum(now.gradient());
  var first = now.network.layers.find(isLinear).name;
  var own = named(terms, first);
  return [
    { name: "input", share: input - moved },
    { name: first, share: (own ? own.share : 0) + moved }
  ].concat(terms.filter(function (term) {
    return term !== own;
  }));
}

// Every batch norm that comes right after a linear map, with that map: the two can be written as one.
function foldedPairs(network) {
  return network.layers.filter(function (layer, k) {
    return layer.kind === "norm" && k > 0 && isLinear(network.layers[k - 1]);
  }).map(function (norm) {
    return { norm: norm.name, before: network.layers[network.layers.indexOf(norm) - 1].name };
  });
}

function foldTerms(terms, pairs) {
  pairs.forEach(function (pair) {
    var norm = named(terms, pair.norm);
    var before = named(terms, pair.before);
    if (!before) {
      before = { name: pair.before, share: 0 };
      terms.push(before);
    }
    if (norm) {
      before.share += norm.share;
      terms.splice(terms.indexOf(norm), 1);
    }
  });
  // A layer without a bias adds nothing where no shift is absorbed.
  return terms.filter(function (term) {
    return term.name === "input" || term.share !== 0;
  });
}

function named(terms, name) {
  return terms.find(function (term) {
    return term.name === name;
  });
}

function isLinear(layer) {
  return layer.kind === "conv" || layer.kind === "linear";
}

fullgrad.map = function (now) {
  var parts = fullGradients(now.network, now.trace, now.logitGradients());
  var size = now.shape.slice(1);
  var total = rescaledSum(parts.input, now.shape);
  parts.biases.forEach(function (term) {
    var shape = now.network.shapes[term.layer];
    if (shape.length === 3) {
      upsample(rescaledSum(term.values, shape), shape.slice(1), size).forEach(function (value, k) {
        total[k] += value;
      });
    }
  });
  return mapView(total, now.shape);
};

// What the input and the layers add to the number <adjoint, logits>: gradient times input, and for every layer with a
// bias, explicit or implicit, gradient times bias. Layers that add nothing are left out. A layer that is used twice
// has one entry, the sum over its uses; a use of another shape has an entry of its own, "name#2".
function fullGradients(network, trace, adjoints) {
  var biases = [];
  network.layers.forEach(function (layer, position) {
    var k = position + 1;
    var biasOf = layerBias[layer.kind];
    var bias = biasOf ? biasOf(layer, trace[k - 1], trace[k]) : null;
    if (bias) {
      addTerm(biases, layer, k, times(adjoints[k], bias));
    }
  });
  return {
    input: times(adjoints[0], trace[0]),
    biases: biases.filter(function (term) {
      return term.values.some(Boolean);
    }),
  };
}

function addTerm(terms, layer, k, values) {
  var number = 1;
  var name = layer.name;
  var shape = String(layer.shape);
  function isSame(term) {
    return term.name === name;
  }
  for (var same = terms.find(isSame); same; same = terms.find(isSame)) {
    if (String(same.shape) === shape) {
      same.values = same.values.map(function (value, i) {
        return value + values[i];
      });
      return;
    }
    number += 1;
    name = layer.name + "#" + number;
  }
  terms.push({ name: name, layer: k, shape: layer.shape, values: values });
}

// The bias b = z - J u of a layer with Jacobian J at u. Kinds that are not listed have none: they are homogeneous.
var layerBias = {
  conv: function (layer) {
    return layer.bias ? spread(layer, layer.bias) : null;
  },
  linear: function (layer) {
    return layer.bias || null;
  },
  norm: function (layer) {
    return spread(layer, layer.shift);
  },
};

["softplus", "silu", "gelu", "gelu_tanh", "tanh", "sigmoid"].forEach(function (kind) {
  layerBias[kind] = function (layer, u, z) {
    return z.map(function (value, i) {
      return value - activationSlope[kind](layer, u[i]) * u[i];
    });
  };
});

// One number for each channel, repeated over the channel's places.
function spread(layer, channels) {
  var values = new Float64Array(layer.size);
  var area = layer.size / channels.length;
  channels.forEach(function (value, c) {
    values.fill(value, c * area, (c + 1) * area);
  });
  return values;
}

// Absolute values, rescaled to [0, 1] over the whole term, summed over channels.
function rescaledSum(values, shape) {
  var low = Infinity;
  var high = 0;
  var total = new Float64Array(shape[1] * shape[2]);
  for (var k = 0, pixel = 0; k < values.length; k++, pixel++) {
    var value = Math.abs(values[k]);
    pixel = pixel === total.length ? 0 : pixel;
    low = value < low ? value : low;
    high = value > high ? value : high;
    total[pixel] += value;
  }
  return total.map(function (value) {
    return (value - low * shape[0]) / (high - low + 1e-6);
  });
}

// Bilinear, corners on corners.
function upsample(values, from, to) {
  var result = new Float64Array(to[0] * to[1]);
  for (var i = 0; i < to[0]; i++) {
    var y = to[0] > 1 ? i * (from[0] - 1) / (to[0] - 1) : 0;
    var top = Math.min(Math.floor(y), Math.max(0, from[0] - 2));
    var bottom = Math.min(top + 1, from[0] - 1);
    for (var j = 0; j < to[1]; j++) {
      var x = to[1] > 1 ? j * (from[1] - 1) / (to[1] - 1) : 0;
      var left = Math.min(Math.floor(x), Math.max(0, from[1] - 2));
      var right = Math.min(left + 1, from[1] - 1);
      var upper = values[top * from[1] + left] * (1 - x + left) + values[top * from[1] + right] * (x - left);
      var lower = values[bottom * from[1] + left] * (1 - x + left) + values[bottom * from[1] + right] * (x - left);
      result[i * to[1] + j] = upper * (1 - y + top) + lower * (y - top);
    }
  }
  return result;
}
