// For a figure whose network looks at given inputs: `now.x` is the input that the control "input" chooses, and what
// the reader draws is `now.drawing`, which the network does not see. After state.js, whose `stateOf` it replaces.

// oxlint-disable-next-line no-func-assign
stateOf = (function (stateAt) {
  return function (network, data, drawing, target, cursor, settings) {
    var first = settings.input * drawing.length;
    var pixels = bytes(data.inputs).subarray(first, first + drawing.length);

    function at(x, target) {
      var now = stateAt(network, data, x, target, cursor, settings);
      now.drawing = drawing;
      now.at = function (other) {
        return at(other, now.target);
      };
      return now;
    }

    return at(Float64Array.from(pixels, function (value) {
      return value / 255;
    }), target);
  };
})(stateOf);
