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

// Of a part of the logits, the place of the largest in this part.
function bestOf(logits, from, count) {
  var part = logits.slice(from, from + count);
  return part.indexOf(Math.max.apply(null, part));
}

// 1 at the target, 0 elsewhere: the adjoint of the target's logit.
function oneAtTarget(now) {
  return now.labels.map(function (_, k) {
    return k === now.target ? 1 : 0;
  });
}

// The gradient of the target's cross-entropy with respect to the logits, where these are the probabilities: the adjoint
// of the loss.
function lossAdjoint(now, probabilities) {
  var one = oneAtTarget(now);
  return probabilities.map(function (p, k) {
    return p - one[k];
  });
}

// The state of the network at one input; see views.js. Without a target it is the class with the largest
// logit, of several heads in the first.
function stateOf(network, data, x, target, cursor, settings) {
  var trace = forward(network, x);
  var logits = trace[trace.length - 1];
  var ofLogit = null;
  var now = {
    network: network, x: x, shape: data.network.input, trace: trace, logits: logits, probabilities: softmax(logits),
    target: target === null ? bestOf(logits, 0, data.labels.length) : target,
    labels: data.labels, cursor: cursor, settings: settings
  };
  now.gradients = function (adjoint) {
    return backward(network, trace, Float64Array.from(adjoint));
  };
  now.logitGradients = function () {
    ofLogit = ofLogit || now.gradients(oneAtTarget(now));
    return ofLogit;
  };
  now.gradient = function () {
    return now.logitGradients()[0];
  };
  now.lossGradient = function () {
    return now.gradients(lossAdjoint(now, now.probabilities))[0];
  };
  now.at = function (other) {
    return stateOf(network, data, other, now.target, cursor, settings);
  };
  return now;
}
