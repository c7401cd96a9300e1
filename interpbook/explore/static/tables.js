// Numbers that came with a figure's data.

function bytes(text) {
  return Uint8Array.from(atob(text), function (letter) {
    return letter.charCodeAt(0);
  });
}

// 16-bit floats, little end first, from base64.
function decodeHalves(text) {
  var bytes = atob(text);
  var values = new Float64Array(bytes.length / 2);
  for (var i = 0; i < values.length; i++) {
    var bits = bytes.charCodeAt(2 * i) | (bytes.charCodeAt(2 * i + 1) << 8);
    var exponent = (bits >> 10) & 31;
    var fraction = (bits & 1023) / 1024;
    var magnitude = exponent ? Math.pow(2, exponent - 15) * (1 + fraction) : Math.pow(2, -14) * fraction;
    values[i] = bits >> 15 ? -magnitude : magnitude;
  }
  return values;
}

// The tables of a view or a scene by name: {shape, values}, the values in one flat array.
function readTables(packed) {
  var tables = {};
  Object.keys(packed).forEach(function (name) {
    var table = packed[name];
    var values = table.float16 ? decodeHalves(table.float16) :
      Float64Array.from(new Float32Array(bytes(table.float32).buffer));
    tables[name] = { shape: table.shape, values: values };
  });
  return tables;
}
