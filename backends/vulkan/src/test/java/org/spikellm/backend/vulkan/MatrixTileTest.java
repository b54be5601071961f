package org.spikellm.backend.vulkan;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import org.junit.jupiter.api.Test;

/** How a product is cut into tiles. */
class MatrixTileTest {

  private static final Matrices MATRICES = new Matrices(16, 16, 32, 32, 1_024, 48 << 10);

  private static String tile(Matrices matrices, int rows, int tokens, int digits) {
    MatrixTile tile = MatrixTile.of(matrices, MatrixTile.Size.ALL, rows, tokens, digits);
    return tile.rows() + "x" + tile.tokens();
  }

  @Test
  void theLargestOfWhichThereAreEnough() {
    assertEquals("128x128", tile(MATRICES, 11_008, 512, 1));
    assertEquals("64x128", tile(MATRICES, 4_096, 512, 1));
    assertEquals("64x64", tile(MATRICES, 4_096, 256, 1));
    assertEquals("32x32", tile(MATRICES, 4_096, 9, 1));
    assertEquals("32x32", tile(MATRICES, 1, 9, 1));
  }

  @Test
  void aTokenHasAColumnForEachDigit() {
    assertEquals("128x64", tile(MATRICES, 11_008, 512, 2));
    assertEquals("32x16", tile(MATRICES, 64, 16, 2));
    assertEquals("32x32", tile(new Matrices(32, 32, 16, 32, 1_024, 48 << 10), 64, 16, 2));
  }

  @Test
  void noLargerThanTheDeviceHasRoomFor() {
    assertEquals("64x128", tile(new Matrices(16, 16, 32, 32, 128, 48 << 10), 11_008, 512, 1));
    assertEquals("64x64", tile(new Matrices(16, 16, 32, 32, 1_024, 16 << 10), 11_008, 512, 1));
    assertNull(MatrixTile.of(new Matrices(16, 16, 32, 32, 64, 48 << 10), MatrixTile.Size.ALL, 11_008, 512, 1));
  }

  @Test
  void sizesByTheirNames() {
    assertEquals(MatrixTile.Size.ALL, MatrixTile.Size.of("auto"));
    assertEquals(List.of(), MatrixTile.Size.of("off"));
    assertEquals(List.of(new MatrixTile.Size(64, 128)), MatrixTile.Size.of("64x128"));
    String said = assertThrows(IllegalArgumentException.class, () -> MatrixTile.Size.of("64x1")).getMessage();
    assertTrue(said.startsWith("matrices=64x1: expected auto, off, or ") && said.endsWith("32x32"), said);
  }
}
