// Numbers that came with a figure's data.

function bytes(text) {
  return Uint8Array.from(atob(text), function (letter) {
    return letter.charCodeAt(0);
  });
}

// The tables of a view or a scene by name: {shape, values}, the values in one flat array.
function readTables(packed) {
  var tables = {};
  Object.keys(packed).forEach(function (name) {
    var values = new Float32Array(bytes(packed[name].float32).buffer);
    tables[name] = { shape: packed[name].shape, values: Float64Array.from(values) };
  });
  return tables;
}
