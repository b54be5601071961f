package org.spikellm.model;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.spikellm.api.DType;
import org.spikellm.api.Tensor;

/** Files made byte by byte, not by this project's writer. */
class SafetensorsTest {

  @TempDir
  private Path temporary;

  private static byte[] file(String header, byte[] data) {
    byte[] json = header.getBytes(StandardCharsets.UTF_8);
    return ByteBuffer.allocate(8 + json.length + data.length).order(ByteOrder.LITTLE_ENDIAN)
        .putLong(json.length).put(json).put(data).array();
  }

  private Safetensors open(byte[] bytes) throws IOException {
    return Safetensors.open(Files.write(temporary.resolve("a.safetensors"), bytes), Arena.ofAuto());
  }

  private void refused(String part, byte[] bytes) {
    CheckpointException e = assertThrows(CheckpointException.class, () -> open(bytes), part);
    assertTrue(e.getMessage().contains(part) && e.getMessage().contains("a.safetensors"), e.getMessage());
    assertEquals(1, e.getMessage().lines().count(), e.getMessage());
  }

  private static String tensor(String type, String shape, String offsets) {
    return "{\"t\": {\"dtype\": \"" + type + "\", \"shape\": " + shape + ", \"data_offsets\": " + offsets + "}}";
  }

  /** 1.5 and −2 in every floating type, one and two dimensions, at odd offsets. */
  @Test
  void everyFloatingTypeAndOneOrTwoDimensions() throws IOException {
    ByteBuffer data = ByteBuffer.allocate(17).order(ByteOrder.LITTLE_ENDIAN);
    data.put((byte) 7).putFloat(1.5f).putFloat(-2);
    data.putShort((short) 0x3e00).putShort((short) 0xc000).putShort((short) 0x3fc0).putShort((short) 0xc000);
    Safetensors file = open(file("""
        {"__metadata__": {"format": "pt"}, "odd": {"dtype": "U8", "shape": [1], "data_offsets": [0, 1]},
         "f32": {"dtype": "F32", "shape": [2], "data_offsets": [1, 9]},
         "f16": {"dtype": "F16", "shape": [2, 1], "data_offsets": [9, 13]},
         "bf16": {"dtype": "BF16", "shape": [1, 2], "data_offsets": [13, 17]},
         "none": {"dtype": "F32", "shape": [0, 5], "data_offsets": [17, 17]}}   """, data.array()));
    assertEquals(List.of("odd", "f32", "f16", "bf16", "none"), List.copyOf(file.entries().keySet()));
    assertEquals(Map.of("format", "pt"), file.metadata());
    for (String name : new String[] {"f32", "f16", "bf16"}) {
      assertArrayEquals(new float[] {1.5f, -2}, file.tensor(name).toFloats(), name);
    }
    assertEquals(List.of(1, 2), List.of(file.tensor("f32").rows(), file.tensor("f32").columns()));
    assertEquals(List.of(2, 1), List.of(file.tensor("f16").rows(), file.tensor("f16").columns()));
    assertEquals(0, file.tensor("none").size());
  }

  @Test
  void everyTruncationIsRefused() {
    byte[] whole = file(tensor("F32", "[2]", "[0, 8]"), new byte[8]);
    for (int length = 0; length < whole.length; length++) {
      refused("", Arrays.copyOf(whole, length));
    }
    refused("expected 8 bytes of data, found 9", Arrays.copyOf(whole, whole.length + 1));
  }

  @ParameterizedTest
  @CsvSource(delimiter = ';', value = {
      "F32; [2]; [0, 9]; 0..9", "F32; [2]; [-1, 7]; -1..7", "F32; [2]; [8, 0]; 8..0", "F32; [2]; [4, 8]; expected 8 bytes",
      "F32; [3]; [0, 8]; expected 12 bytes", "F32; [-2]; [0, 8]; sizes from 0 up", "F32; [2.0]; [0, 8]; sizes from 0 up",
      "F32; [2]; [0.0, 8.0]; data_offsets", "F32; [2]; [0]; data_offsets", "F32; 2; [0, 8]; shape", "F32; [2]; null; data_offsets",
      "F64; [536870912, 536870912]; [0, 0]; sizes from 0 up", "U8; [9223372036854775807, 2]; [0, 8]; sizes from 0 up",
      "U8; [99999999999999999999]; [0, 8]; sizes from 0 up"})
  void headersThatDoNotFit(String type, String shape, String offsets, String part) {
    refused(part, file(tensor(type, shape, offsets), new byte[8]));
  }

  @ParameterizedTest
  @CsvSource(delimiter = ';', value = {"[0, 8]; [4, 12]; overlap", "[0, 8]; [0, 8]; overlap", "[0, 8]; [9, 17]; gap"})
  void tensorsFollowEachOther(String first, String second, String part) {
    String entry = "{\"dtype\": \"F32\", \"shape\": [2], \"data_offsets\": ";
    refused(part, file("{\"a\": " + entry + first + "}, \"b\": " + entry + second + "}}", new byte[17]));
  }

  @Test
  void headersThatAreNoHeaders() {
    refused("object", file("[]", new byte[0]));
    refused("not JSON", file("{\"t\": ", new byte[0]));
    refused("not JSON", file("[".repeat(100_000), new byte[0]));
    refused("uplicate", file("{\"t\": {}, \"t\": {}}", new byte[0]));
    for (long length : new long[] {-1, Long.MIN_VALUE, Long.MAX_VALUE, 9, 100_000_001}) {
      byte[] bytes = file("{}", new byte[6]);
      ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN).putLong(0, length);
      refused("header length", bytes);
    }
  }

  @Test
  void whatCannotBeATensorIsRefusedWhenItIsAskedFor() throws IOException {
    for (String[] one : new String[][] {{"I64", "[1]", "I64"}, {"F8_E4M3", "[8]", "F8_E4M3"}, {"F32", "[1, 1, 2]", "[1, 1, 2]"},
        {"F64", "[]", "F64"}, {"U8", "[0, 3000000000]", "3000000000"}}) {
      byte[] data = new byte[one[2].endsWith("000") ? 0 : 8];
      Safetensors file = open(file(tensor(one[0], one[1], "[0, " + data.length + "]"), data));
      CheckpointException e = assertThrows(CheckpointException.class, () -> file.tensor("t"));
      assertTrue(e.getMessage().contains(one[2]) && e.getMessage().contains("'t'"), e.getMessage());
    }
  }

  @Test
  void aDirectoryOfThatNameIsNoFile() throws IOException {
    Path directory = Files.createDirectory(temporary.resolve("d.safetensors"));
    CheckpointException e = assertThrows(CheckpointException.class, () -> Safetensors.open(directory, Arena.ofAuto()));
    assertTrue(e.getMessage().contains("d.safetensors: expected a safetensors file"), e.getMessage());
  }

  @Test
  void whatIsWrittenIsAlignedAndReadBack() throws IOException {
    Path file = temporary.resolve("w.safetensors");
    Tensor odd = Tensor.allocate(DType.U8, 1, 3);
    SafetensorsWriter.write(file, Map.of("t", Tensor.of(1, 1, 2, 3)));
    assertEquals(0, (8 + ByteBuffer.wrap(Files.readAllBytes(file)).order(ByteOrder.LITTLE_ENDIAN).getLong()) % 64);
    assertArrayEquals(new float[] {1, 2, 3}, Safetensors.open(file, Arena.ofAuto()).tensor("t").toFloats());
    SafetensorsWriter.write(file, Map.of("u", odd));
    Safetensors again = Safetensors.open(file, Arena.ofAuto());
    Checksums.verify(Map.of("u", again));
    assertEquals(List.of("u"), List.copyOf(again.entries().keySet()));
  }
}
