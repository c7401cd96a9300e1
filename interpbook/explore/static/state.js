// The state of a live figure, which its views read.

function softmax(logits) {
  var most = Math.max.apply(null, logits);
  var raised = Array.from(logits, function (logit) {
    return Math.exp(logit - most);
  });
  var total = sum(raised);
  return raised.map(function (value) {
    return value / total;
  });
}

// The state of the network at one input; see views.js. Without a target it is the class with the largest logit.
function stateOf(network, data, x, target, cursor, settings) {
  var trace = forward(network, x);
  var logits = trace[trace.length - 1];
  var parts = null;
  var now = {
    network: network, x: x, shape: data.network.input, trace: trace, logits: logits, probabilities: softmax(logits),
    target: target === null ? logits.indexOf(Math.max.apply(null, logits)) : target,
    labels: data.labels, cursor: cursor, settings: settings
  };
  now.gradients = function (adjoint) {
    return backward(network, trace, Float64Array.from(adjoint));
  };
  now.parts = function () {
    if (!parts) {
      var adjoints = now.gradients(data.labels.map(function (_, k) {
        return k === now.target ? 1 : 0;
      }));
      parts = fullGradients(network, trace, adjoints);
      parts.gradient = adjoints[0];
    }
    return parts;
  };
  now.at = function (other) {
    return stateOf(network, data, other, now.target, cursor, settings);
  };
  return now;
}
