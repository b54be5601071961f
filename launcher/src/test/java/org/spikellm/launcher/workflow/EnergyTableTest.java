package org.spikellm.launcher.workflow;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Tables of one's own. */
class EnergyTableTest {

  @TempDir
  private Path temporary;

  private static String entries(String... keys) {
    return Stream.of(keys).map(key -> "\"" + key + "\": {\"value\": 2, \"source\": \"a paper\"}")
        .collect(Collectors.joining(", "));
  }

  private Path file(String name, String prices) throws IOException {
    return Files.writeString(temporary.resolve("table.json"), "{" + name + "\"picojoules\": {" + prices + "}}");
  }

  private void refused(String json, String... parts) throws IOException {
    Path file = Files.writeString(temporary.resolve("table.json"), json);
    String message = assertThrows(IOException.class, () -> EnergyTable.read(file)).getMessage();
    for (String part : parts) {
      assertTrue(message.contains(part), part + " in " + message);
    }
    assertTrue(message.startsWith(file.toString()), message);
  }

  @Test
  void memoryIsCountedWhereTheTableHasIt() throws IOException {
    String all = entries("fp32_mac", "fp32_add", "fp16_mac", "int8_mac", "int8_add");
    EnergyTable without = EnergyTable.read(file("\"name\": \"mine\", ", all));
    assertFalse(without.hasMemory());
    assertEquals(6e-12, without.joules(Operation.INT8_ADD, 3), 1e-25);
    EnergyTable with = EnergyTable.read(file("\"name\": \"mine\", ", all + ", " + entries("memory_byte")));
    assertTrue(with.hasMemory());
    assertEquals("mine", with.name());
    assertFalse(EnergyTable.DEFAULT.hasMemory());
  }

  @Test
  void whatIsNoTableIsRefused() throws IOException {
    String all = entries("fp32_mac", "fp32_add", "fp16_mac", "int8_mac", "int8_add");
    refused("{\"name\": \"x\", \"picojoules\": {" + all + ", " + entries("int4_mac") + "}}", "unknown key 'int4_mac'",
        "memory_byte");
    refused("{\"name\": \"x\", \"nanojoules\": {}}", "unknown key 'nanojoules'", "picojoules");
    refused("{\"name\": \"x\", \"picojoules\": {" + entries("fp32_mac") + "}}", "fp32_add", "found nothing");
    refused("{\"picojoules\": {" + all + "}}", "name", "found nothing");
    refused("{\"name\": \"x\"}", "picojoules", "found null");
    refused("{\"name\": \"x\", \"picojoules\": {\"fp32_mac\": 4.6}}", "fp32_mac", "4.6", "source");
    refused("{\"name\": \"x\", \"picojoules\": {\"fp32_mac\": {\"value\": -1, \"source\": \"a\"}}}", "fp32_mac.value", "-1");
    refused("{\"name\": \"x\", \"picojoules\": {\"fp32_mac\": {\"value\": 1}}}", "fp32_mac.source", "found nothing");
    refused("[]", "object");
  }
}
