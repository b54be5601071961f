package org.spikellm.api;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class TensorTest {

  @Test
  @DisplayName("elements lie row after row, little-endian, at any address")
  void layout() {
    MemorySegment memory = Arena.ofAuto().allocate(64);
    Tensor tensor = new Tensor(DType.I32, 2, 3, memory.asSlice(1, 24));
    tensor.setInt(1, 2, 0x01020304);
    assertEquals(0x04, memory.get(Tensor.BYTE, 1 + 20));
    assertEquals(0x01, memory.get(Tensor.BYTE, 1 + 23));
    assertEquals(0x01020304, tensor.getInt(1, 2));
    assertEquals(0x01020304, tensor.rows(1, 2).getInt(0, 2));
  }

  @Test
  @DisplayName("memory of another size, on the heap, or a negative shape is refused")
  void refuses() {
    MemorySegment native8 = Arena.ofAuto().allocate(8);
    String size = assertThrows(IllegalArgumentException.class, () -> new Tensor(DType.F32, 1, 3, native8)).getMessage();
    assertTrue(size.contains("expected 12 bytes, found 8"), size);
    assertThrows(IllegalArgumentException.class, () -> new Tensor(DType.U8, 1, 8, MemorySegment.ofArray(new byte[8])));
    assertThrows(IllegalArgumentException.class, () -> new Tensor(DType.U8, -1, -8, native8));
  }

  @Test
  @DisplayName("integers keep their low bits, U8 is 0..255")
  void integers() {
    Tensor bytes = Tensor.allocate(DType.U8, 1, 1);
    bytes.setInt(0, 0, 255);
    assertEquals(255, bytes.getInt(0, 0));
    assertEquals(-1, new Tensor(DType.I8, 1, 1, bytes.segment()).getInt(0, 0));
    Tensor shorts = Tensor.allocate(DType.I16, 1, 1);
    shorts.setInt(0, 0, -32768);
    assertEquals(-32768, shorts.getInt(0, 0));
    assertEquals(-32768f, shorts.getFloat(0, 0));
    assertThrows(IllegalArgumentException.class, () -> Tensor.of(1, 1f).getInt(0, 0));
    assertThrows(IllegalArgumentException.class, () -> shorts.setFloat(0, 0, 1));
  }

  @Test
  @DisplayName("all 65536 F16 and BF16 numbers come back as they were written")
  void halves() {
    for (DType type : new DType[] {DType.F16, DType.BF16}) {
      Tensor all = Tensor.allocate(type, 256, 256);
      Tensor again = Tensor.allocate(type, 256, 256);
      for (int i = 0; i < 65_536; i++) {
        all.segment().set(Tensor.SHORT, 2L * i, (short) i);
        again.setFloat(i / 256, i % 256, all.getFloat(i / 256, i % 256));
      }
      for (int i = 0; i < 65_536; i++) {
        float value = all.getFloat(i / 256, i % 256);
        if (!Float.isNaN(value)) {
          assertEquals(all.segment().get(Tensor.SHORT, 2L * i), again.segment().get(Tensor.SHORT, 2L * i), type + " number " + i);
        } else {
          assertTrue(Float.isNaN(again.getFloat(i / 256, i % 256)), type + " number " + i + " is NaN");
        }
      }
    }
  }

  @Test
  @DisplayName("BF16 rounds half to even, and past its largest number to infinity")
  void bfloat16() {
    float[][] cases = {{1, 1}, {1 + 0x1p-8f, 1}, {1 + 0x1.8p-8f, 1 + 0x1p-7f}, {1 + 3 * 0x1p-8f, 1 + 2 * 0x1p-7f},
        {-1 - 0x1p-8f, -1},
        {Float.MAX_VALUE, Float.POSITIVE_INFINITY}, {-0f, -0f}, {Float.NEGATIVE_INFINITY, Float.NEGATIVE_INFINITY}};
    Tensor tensor = Tensor.allocate(DType.BF16, 1, 1);
    for (float[] pair : cases) {
      tensor.setFloat(0, 0, pair[0]);
      assertEquals(pair[1], tensor.getFloat(0, 0), "BF16 of " + pair[0]);
    }
    tensor.setFloat(0, 0, Float.intBitsToFloat(0x7f800001)); // a NaN whose upper half alone would be infinity
    assertTrue(Float.isNaN(tensor.getFloat(0, 0)));
  }

  @Test
  @DisplayName("rows are read and written as floats, whatever their type")
  void rows() {
    Tensor tensor = Tensor.of(2, 1, 2, 3, 4, 5, 6);
    assertArrayEquals(new float[] {4, 5, 6}, tensor.rows(1, 2).toFloats());
    tensor.writeRow(0, new float[] {7, 8, 9});
    assertArrayEquals(new float[] {7, 8, 9, 4, 5, 6}, tensor.toFloats());
    for (DType type : DType.values()) {
      Tensor other = Tensor.allocate(type, 2, 2);
      if (type.isFloating()) {
        other.setFloat(1, 1, 100);
      } else {
        other.setInt(1, 1, 100);
      }
      assertArrayEquals(new float[] {0, 0, 0, 100}, other.toF32().toFloats(), type.name());
      other.clear();
      assertArrayEquals(new float[4], other.toFloats(), type.name());
    }
    assertThrows(IllegalArgumentException.class, () -> Tensor.allocate(DType.F16, 1, 1).writeRow(0, new float[1]));
  }

  @Test
  @DisplayName("a tensor may be empty")
  void empty() {
    assertEquals(0, Tensor.of(0).size());
    assertEquals(0, Tensor.allocate(DType.F32, 3, 0).toFloats().length);
  }

  @ParameterizedTest
  @EnumSource(names = {"I8", "U8", "I16", "I32"})
  void integersAreReadAndWrittenInARow(DType type) {
    Tensor tensor = Tensor.allocate(type, 2, 7);
    int[] values = {-128, 127, 200, -70_000, 5};
    tensor.writeInts(1, 2, values, 4);
    Tensor expected = Tensor.allocate(type, 2, 7);
    for (int i = 0; i < 4; i++) {
      expected.setInt(1, 2 + i, values[i]);
    }
    assertEquals(-1, expected.segment().mismatch(tensor.segment()));
    int[] read = new int[6];
    tensor.readInts(1, 1, read, 5);
    for (int i = 0; i < 5; i++) {
      assertEquals(expected.getInt(1, 1 + i), read[i]);
    }
    assertEquals(0, read[5]);
  }

  @Test
  void integersOfFloatsAreRefused() {
    Tensor floats = Tensor.allocate(DType.F16, 1, 1);
    assertThrows(IllegalArgumentException.class, () -> floats.readInts(0, 0, new int[1], 1));
    assertThrows(IllegalArgumentException.class, () -> floats.writeInts(0, 0, new int[1], 1));
  }
}
