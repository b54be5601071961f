package org.spikellm.model;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Stream;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.spikellm.api.Block;
import org.spikellm.api.Projection;
import org.spikellm.api.Session;
import org.spikellm.backend.reference.ReferenceBackend;

/** Packed checkpoints on disk: what is read is what was written, and a part of one is never taken for a whole. */
class PackedCheckpointTest {

  private static final int[] TOKENS = {1, 200, 3, 77, 5, 9};

  @TempDir
  private Path temporary;

  private static Map<String, byte[]> files(Path directory) throws IOException {
    Map<String, byte[]> files = new TreeMap<>();
    try (Stream<Path> list = Files.list(directory)) {
      for (Path file : list.toList()) {
        files.put(file.getFileName().toString(), Files.readAllBytes(file));
      }
    }
    return files;
  }

  private static void assertSame(Path expected, Path found) throws IOException {
    Map<String, byte[]> a = files(expected);
    Map<String, byte[]> b = files(found);
    assertEquals(a.keySet(), b.keySet());
    a.forEach((name, bytes) -> assertArrayEquals(bytes, b.get(name), name));
  }

  private void refused(Path directory, String... parts) {
    CheckpointException e = assertThrows(CheckpointException.class, () -> {
      try (Checkpoint checkpoint = Checkpoint.open(directory, PackedTiny.NEURONS)) {
        for (int i = 0; i < checkpoint.config().blocks(); i++) {
          checkpoint.block(i);
        }
      }
    });
    for (String part : parts) {
      assertTrue(e.getMessage().contains(part), e.getMessage());
    }
  }

  @ParameterizedTest(name = "{0}-bit weights")
  @ValueSource(ints = {2, 3, 4, 5, 6, 7, 8, 16})
  void logitsFromDiskAreThoseFromMemory(int weightBits) throws IOException {
    for (int activationBits : new int[] {4, 8, 16}) {
      int groupSize = weightBits % 2 == 0 ? 0 : 32;
      int headBits = activationBits == 8 ? 8 : 16;
      Path out = PackedTiny.write(temporary.resolve("out" + activationBits), weightBits, activationBits, groupSize, headBits);
      try (Checkpoint source = Checkpoint.open(PackedTiny.SOURCE, PackedTiny.NEURONS);
          Checkpoint packed = Checkpoint.open(out, PackedTiny.NEURONS); Session session = new ReferenceBackend().open(1)) {
        List<PreparedBlock> blocks = new ArrayList<>();
        for (int i = 0; i < source.config().blocks(); i++) {
          Block block = PackedTiny.block(source.block(i), weightBits, activationBits, groupSize);
          blocks.add(new PreparedBlock(session, block, SpikeMode.COLLAPSED));
        }
        Decoder memory = new Decoder(source.config(), session, source.embeddings(), blocks, source.finalNorm(),
            PackedTiny.head(source, headBits));
        Decoder disk = Decoder.load(packed, session, SpikeMode.COLLAPSED);
        assertArrayEquals(memory.nextLogits(TOKENS, memory.newCache(8)).toFloats(),
            disk.nextLogits(TOKENS, disk.newCache(8)).toFloats(), "W" + weightBits + "A" + activationBits);
      }
    }
  }

  @Test
  @DisplayName("codes lie in tiles, first in the file and aligned, where that takes no room; a checkpoint of version 1 has none")
  void tiles() throws IOException {
    Path tiles = PackedTiny.write(temporary.resolve("tiles"), 4, 16, 0, 16);
    Path rows = PackedTiny.write(temporary.resolve("rows"), 4, 4, 0, 16);
    String first = "model.layers.0.self_attn.q_proj.";
    for (Path directory : new Path[] {tiles, rows}) {
      boolean inTiles = directory == tiles;
      Path file = directory.resolve("model-00001-of-00003.safetensors");
      try (Arena arena = Arena.ofShared()) {
        Safetensors tensors = Safetensors.open(file, arena);
        assertEquals(inTiles, tensors.entries().keySet().contains(first + "tiles.0"));
        assertEquals(!inTiles, tensors.entries().keySet().contains(first + "codes.0"));
        for (String name : tensors.entries().keySet()) {
          if (name.contains(".tiles.")) {
            assertEquals(0, tensors.tensor(name).segment().address() % 64, name);
          }
        }
      }
    }
    Path config = rows.resolve("config.json");
    Files.writeString(config, Files.readString(config).replace("\"format_version\" : 2", "\"format_version\" : 1"));
    try (Checkpoint checkpoint = Checkpoint.open(rows, PackedTiny.NEURONS)) {
      assertEquals(64, checkpoint.block(0).linear(Projection.Q).weight().columns());
    }
    Path file = tiles.resolve("model-00001-of-00003.safetensors");
    String text = Files.readString(file, StandardCharsets.ISO_8859_1);
    Files.writeString(file, text.replaceFirst("(q_proj.tiles.0[^\\[]*)\\[4,512\\]", "$1[8,256]"), StandardCharsets.ISO_8859_1);
    refused(tiles, "q_proj.tiles.0", "expected U8 [4, 512], found U8 [8, 256]");
  }

  @Test
  void aKilledRunLeavesNoCheckpointAndIsGoneOnWithToTheSameBytes() throws IOException {
    Path whole = PackedTiny.write(temporary.resolve("whole"), 4, 4, 0, 16);
    Path out = temporary.resolve("out");
    Path partial = temporary.resolve("out.partial");
    try (Checkpoint source = Checkpoint.open(PackedTiny.SOURCE, PackedTiny.NEURONS)) {
      CheckpointWriter writer = CheckpointWriter.open(out, source, PackedTiny.task(4, 4, 0, 16), true);
      writer.write(0, PackedTiny.block(source.block(0), 4, 4, 0), Map.of());
      for (boolean same : new boolean[] {true, false}) {
        CheckpointException e = assertThrows(CheckpointException.class,
            () -> CheckpointWriter.open(out, source, PackedTiny.task(4, 4, same ? 0 : 32, 16), true));
        assertTrue(e.getMessage().contains("out.partial: is being written by another run"), e.getMessage());
      }
      writer.close();
      // What a kill leaves of the next block.
      Files.write(partial.resolve("model-00002-of-00003.safetensors.tmp"), new byte[1000]);
      assertFalse(Files.exists(out));
      refused(partial, "config.json", "not found");
      try (CheckpointWriter next = CheckpointWriter.open(out, source, PackedTiny.task(4, 4, 0, 16), true);
          Arena arena = Arena.ofShared()) {
        assertEquals(1, next.finishedBlocks());
        assertEquals(source.config().block(), next.read(0, PackedTiny.NEURON, arena).shape());
      }
    }
    assertSame(whole, PackedTiny.write(out, 4, 4, 0, 16));
    assertFalse(Files.exists(partial));
  }

  @Test
  void whatAnotherTaskLeftIsDiscarded() throws IOException {
    Path out = temporary.resolve("out");
    try (Checkpoint source = Checkpoint.open(PackedTiny.SOURCE, PackedTiny.NEURONS)) {
      Map<String, Object> task = PackedTiny.task(4, 4, 0, 16);
      assertEquals(0, finishedBlocks(out, source, task, true, true));
      assertEquals(1, finishedBlocks(out, source, task, true, false));
      assertEquals(0, finishedBlocks(out, source, task, false, true), "told not to resume");
      assertEquals(0, finishedBlocks(out, source, PackedTiny.task(4, 4, 32, 16), true, false), "another task");
    }
  }

  /** How many a writer finds, which may go on to write the first one. */
  private static int finishedBlocks(Path out, Checkpoint source, Map<String, Object> task, boolean resume, boolean write)
      throws IOException {
    try (CheckpointWriter writer = CheckpointWriter.open(out, source, task, resume)) {
      int found = writer.finishedBlocks();
      if (write) {
        writer.write(0, PackedTiny.block(source.block(0), 4, 4, 0), Map.of());
      }
      return found;
    }
  }

  @Test
  void whatNoRunLeftIsNotTouched() throws IOException {
    Path partial = Files.createDirectory(temporary.resolve("out.partial"));
    for (String unfinished : new String[] {null, "config.json", "task.json"}) {
      Path mine = Files.writeString(partial.resolve("thesis.txt"), "precious");
      if (unfinished != null) {
        Files.writeString(partial.resolve(unfinished), "{}");
      }
      CheckpointException e =
          assertThrows(CheckpointException.class, () -> PackedTiny.write(temporary.resolve("out"), 4, 4, 0, 16));
      assertTrue(e.getMessage().contains("out.partial: expected nothing or what an unfinished run left, found "), e.getMessage());
      assertEquals("precious", Files.readString(mine));
    }
    Files.delete(partial.resolve("thesis.txt"));
    Files.delete(partial.resolve("task.json"));
    assertThrows(CheckpointException.class, () -> PackedTiny.write(temporary.resolve("out"), 4, 4, 0, 16), "of a download, maybe");
    assertTrue(Files.exists(partial.resolve("config.json")));
  }

  @Test
  void anEmptyDirectoryIsTakenAndAnotherIsNot() throws IOException {
    Path empty = Files.createDirectory(temporary.resolve("empty"));
    Path whole = PackedTiny.write(empty, 4, 4, 0, 16);
    CheckpointException e = assertThrows(CheckpointException.class, () -> PackedTiny.write(whole, 4, 4, 0, 16));
    assertTrue(e.getMessage().contains("not an empty directory"), e.getMessage());
    assertThrows(CheckpointException.class, () -> CheckpointWriter.requireFree(Path.of("/")));
  }

  @Test
  void aLinkStaysALink() throws IOException {
    Path far = Files.createDirectory(temporary.resolve("far"));
    Path link = Files.createSymbolicLink(temporary.resolve("link"), far);
    PackedTiny.write(link, 4, 4, 0, 16);
    assertTrue(Files.isSymbolicLink(link));
    assertTrue(Files.exists(far.resolve("config.json")));
    Path dangling = Files.createSymbolicLink(temporary.resolve("dangling"), temporary.resolve("gone"));
    CheckpointException e = assertThrows(CheckpointException.class, () -> PackedTiny.write(dangling, 4, 4, 0, 16));
    assertTrue(e.getMessage().contains("dangling: is a link to nothing"), e.getMessage());
  }

  @Test
  void whatComesIntoBeingMeanwhileIsKept() throws IOException {
    Path out = temporary.resolve("out");
    try (Checkpoint source = Checkpoint.open(PackedTiny.SOURCE, PackedTiny.NEURONS)) {
      Map<String, Object> task = PackedTiny.task(4, 4, 0, 16);
      CheckpointWriter writer = CheckpointWriter.open(out, source, task, true);
      for (int i = 0; i < 2; i++) {
        writer.write(i, PackedTiny.block(source.block(i), 4, 4, 0), Map.of());
      }
      Files.writeString(Files.createDirectory(out).resolve("theirs"), "");
      CheckpointException e = assertThrows(CheckpointException.class, () -> writer.finish(source.head(), task));
      writer.close();
      assertTrue(e.getMessage().contains("came into being") && e.getMessage().contains("out.partial"), e.getMessage());
      assertTrue(Files.exists(out.resolve("theirs")));
    }
    Files.delete(out.resolve("theirs"));
    assertSame(PackedTiny.write(temporary.resolve("whole"), 4, 4, 0, 16), PackedTiny.write(out, 4, 4, 0, 16));
  }

  @Test
  void everyFileHasItsChecks() throws IOException {
    Path out = PackedTiny.write(temporary.resolve("out"), 4, 4, 0, 16);
    for (int shard = 1; shard <= 3; shard++) {
      Path file = out.resolve("model-0000" + shard + "-of-00003.safetensors");
      byte[] whole = Files.readAllBytes(file);
      byte[] altered = whole.clone();
      altered[whole.length - 1] ^= 0x10;
      Files.write(file, altered);
      refused(out, file.getFileName().toString(), "was altered", "CRC-32C");
      String text = new String(whole, StandardCharsets.ISO_8859_1);
      Files.write(file, text.replaceFirst("crc32c:", "crc32x:").getBytes(StandardCharsets.ISO_8859_1));
      refused(out, file.getFileName().toString(), "found none");
      Files.write(file, whole);
    }
    Path config = out.resolve("config.json");
    String json = Files.readString(config);
    Files.writeString(config, json.replace("\"format_version\" : 2", "\"format_version\" : 3"));
    refused(out, config.toString(), "format_version", "at most 2", "found 3");
    Files.writeString(config, json.replace("\"id\" : \"test\"", "\"id\" : \"izhikevich\""));
    refused(out, "izhikevich", "known ones: test");
    Files.writeString(config, json);
    Files.delete(out.resolve("model-00002-of-00003.safetensors"));
    refused(out, "model-00002-of-00003.safetensors", "not there");
  }
}
