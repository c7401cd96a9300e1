// The page's half of LIME and KernelSHAP on the reader's digit; the kernel's half is own_digit.py.

var NOTHING = 1e-9;
var WIDTH = 0.25;
var LISTED = 8;
var BITS = 16;

function ownDigit(now, tables) {
  var count = now.settings.squares;
  var side = Math.round(Math.sqrt(count));
  var masks = unpackCoalitions(tables[now.settings.method + " " + count], count, now.settings.samples);
  var groups = squaresOf(now.shape, side);
  var none = maskedLogit(now, groups, new Float64Array(count));
  var everything = now.logits[now.target];
  var y = masks.map(function (mask) {
    return maskedLogit(now, groups, mask);
  });
  var fit = now.settings.method === "LIME" ? limeFit(masks, y) : shapFit(masks, y, none, everything);
  var errors = fit.errors.map(function (error) {
    return error < NOTHING ? 0 : error;
  });
  var listed = largestOf(fit.weights);
  var labels = listed.map(function (k) {
    return "row " + (Math.floor(k / side) + 1) + ", column " + (k % side + 1);
  });
  function picked(values) {
    return listed.map(function (k) {
      return values[k];
    });
  }
  var whiskers = picked(errors).map(function (error) {
    return 2 * error;
  });
  var clear = fit.weights.filter(function (weight, k) {
    return Math.abs(weight) > 2 * errors[k] && Math.abs(weight) > NOTHING;
  }).length;
  return {
    pictures: [
      {
        kind: "map", shape: now.shape.slice(1), values: Array.from(groups, function (group) {
          return fit.weights[group];
        })
      },
      { kind: "intervals", labels: labels, values: picked(fit.weights), errors: whiskers }
    ],
    facts: [
      ["largest", { square: labels[0], value: fit.weights[listed[0]], error: whiskers[0] }],
      ["clear", { clear: clear, count: count, mean: sum(errors) / count }],
      ["sum", { sum: sum(fit.weights), total: everything - none }]
    ]
  };
}

// Rows of zeros and ones; sixteen squares came in one number, the first in its lowest digit.
function unpackCoalitions(table, count, samples) {
  var words = table.shape[1];
  var masks = [];
  for (var row = 0; row < samples; row++) {
    var mask = new Float64Array(count);
    for (var k = 0; k < count; k++) {
      mask[k] = table.values[row * words + Math.floor(k / BITS)] >> k % BITS & 1;
    }
    masks.push(mask);
  }
  return masks;
}

// For every pixel the number of its square.
function squaresOf(shape, side) {
  var edge = Math.floor(shape[1] / side);
  var groups = new Int32Array(shape[1] * shape[2]);
  groups.forEach(function (_, pixel) {
    groups[pixel] = Math.floor(Math.floor(pixel / shape[2]) / edge) * side + Math.floor(pixel % shape[2] / edge);
  });
  return groups;
}

function maskedLogit(now, groups, mask) {
  var trace = forward(now.network, now.x.map(function (value, pixel) {
    return value * mask[groups[pixel]];
  }));
  return trace[trace.length - 1][now.target];
}

// With the last weight as what the others leave of the total, the values at both ends are exact.
function shapFit(masks, y, none, everything) {
  var d = masks[0].length;
  var total = everything - none;
  var rows = masks.map(function (mask) {
    return mask.subarray(0, d - 1).map(function (value) {
      return value - mask[d - 1];
    });
  });
  var targets = y.map(function (value, k) {
    return value - none - masks[k][d - 1] * total;
  });
  var fit = solveLeastSquares(rows, null, targets, function (solved) {
    return solved.concat([-sum(solved)]);
  });
  fit.weights[d - 1] += total;
  return fit;
}

function limeFit(masks, y) {
  var d = masks[0].length;
  var kernel = masks.map(function (mask) {
    var distance = 1 - Math.sqrt(sum(mask) / d);
    return Math.exp(-distance * distance / (2 * WIDTH * WIDTH));
  });
  var rows = masks.map(function (mask) {
    var row = new Float64Array(d + 1).fill(1);
    row.set(mask);
    return row;
  });
  return solveLeastSquares(rows, kernel, y, function (solved) {
    return solved.slice(0, d);
  });
}

// Weighted least squares, and the standard errors for rows drawn independently (HC1). `finish` turns what was solved
// for into the weights of the squares, for the solution and for what each row adds to it.
function solveLeastSquares(rows, kernel, y, finish) {
  var p = rows[0].length;
  var inverse = inverseOf(gram(rows, kernel), p);
  var along = new Float64Array(p);
  rows.forEach(function (row, k) {
    var weight = (kernel ? kernel[k] : 1) * y[k];
    for (var j = 0; j < p; j++) {
      along[j] += weight * row[j];
    }
  });
  var solution = Array.from(multiplied(inverse, along, p));
  var weights = finish(solution);
  var squares = new Float64Array(weights.length);
  rows.forEach(function (row, k) {
    var fitted = 0;
    for (var j = 0; j < p; j++) {
      fitted += row[j] * solution[j];
    }
    var residual = (kernel ? kernel[k] : 1) * (y[k] - fitted);
    var own = Array.from(multiplied(inverse, row, p), function (value) {
      return value * residual;
    });
    finish(own).forEach(function (value, j) {
      squares[j] += value * value;
    });
  });
  var factor = rows.length / (rows.length - p);
  return {
    weights: weights,
    errors: Array.from(squares, function (value) {
      return Math.sqrt(factor * value);
    })
  };
}

function gram(rows, kernel) {
  var p = rows[0].length;
  var matrix = new Float64Array(p * p);
  rows.forEach(function (row, k) {
    var weight = kernel ? kernel[k] : 1;
    for (var i = 0; i < p; i++) {
      if (row[i] !== 0) {
        for (var j = 0; j < p; j++) {
          matrix[i * p + j] += weight * row[i] * row[j];
        }
      }
    }
  });
  return matrix;
}

function multiplied(matrix, vector, p) {
  var result = new Float64Array(p);
  for (var i = 0; i < p; i++) {
    for (var j = 0; j < p; j++) {
      result[i] += matrix[i * p + j] * vector[j];
    }
  }
  return result;
}

// Of a positive definite matrix, by Gauss and Jordan without exchanging rows, which such a matrix does not need.
function inverseOf(matrix, p) {
  var left = Float64Array.from(matrix);
  var right = new Float64Array(p * p);
  for (var d = 0; d < p; d++) {
    right[d * p + d] = 1;
  }
  for (var pivot = 0; pivot < p; pivot++) {
    var scale = 1 / left[pivot * p + pivot];
    for (var c = 0; c < p; c++) {
      left[pivot * p + c] *= scale;
      right[pivot * p + c] *= scale;
    }
    for (var r = 0; r < p; r++) {
      var factor = left[r * p + pivot];
      if (r !== pivot && factor !== 0) {
        for (var k = 0; k < p; k++) {
          left[r * p + k] -= factor * left[pivot * p + k];
          right[r * p + k] -= factor * right[pivot * p + k];
        }
      }
    }
  }
  return right;
}

// The squares with the largest weights, in size, the first of equal ones first.
function largestOf(weights) {
  var places = weights.map(function (_, k) {
    return k;
  });
  function rank(k) {
    return -Math.floor(Math.abs(weights[k]) / NOTHING + 0.5);
  }
  return places.sort(function (a, b) {
    return rank(a) - rank(b) || a - b;
  }).slice(0, LISTED);
}
