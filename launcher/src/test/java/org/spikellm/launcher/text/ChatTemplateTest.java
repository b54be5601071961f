package org.spikellm.launcher.text;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.spikellm.launcher.text.ChatTemplate.Message;
import org.spikellm.model.CheckpointException;
import org.spikellm.model.Json;

/**
 * Templates built as those of the common model families are. expected.json was rendered from them and the conversations below by
 * Python's jinja2 3.1.6 with the settings of Hugging Face's transformers.
 */
class ChatTemplateTest {

  private static final Path TALES = Path.of("src", "main", "models", "tales-3m");
  private static final Map<String, List<Message>> CONVERSATIONS = Map.of(
      "full", List.of(new Message("system", " Be kind. "), new Message("user", "  hi\n there {{ 7*7 }} "),
          new Message("assistant", "<think>hm</think>\n\nYo, \"<b>&'\\n🙂\n"), new Message("user", "bye")),
      "user", List.of(new Message("user", "What?")));
  private static final List<Message> TWO_USERS = List.of(new Message("user", "a"), new Message("user", "b"));

  private static Tokenizer tokenizer;
  @TempDir
  Path directory;

  @BeforeAll
  static void open() throws IOException {
    tokenizer = Tokenizer.open(TALES);
  }

  @AfterAll
  static void close() {
    tokenizer.close();
  }

  @ParameterizedTest
  @ValueSource(strings = {"llama2", "llama3", "llama31", "zephyr", "chatml", "mistral", "thinking"})
  void rendersAsTransformersDoes(String family) throws IOException {
    Map<String, Object> expected = Json.parseObject(resource("expected.json"), "expected.json");
    ChatTemplate template = template(new String(resource(family + ".jinja"), StandardCharsets.UTF_8));
    assertEquals("", template.notice());
    for (String conversation : CONVERSATIONS.keySet()) {
      for (boolean forAnswer : new boolean[] {true, false}) {
        String key = family + "|" + conversation + "|" + forAnswer;
        assertEquals(expected.get(key), template.render(CONVERSATIONS.get(conversation), forAnswer), key);
      }
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"llama2", "mistral"})
  void refusesAConversationWithItsOwnWords(String family) throws IOException {
    ChatTemplate template = template(new String(resource(family + ".jinja"), StandardCharsets.UTF_8));
    String message = assertThrows(CheckpointException.class, () -> template.render(TWO_USERS, true)).getMessage();
    assertTrue(message.contains("refuses this conversation: "), message);
    assertTrue(message.contains(family.equals("llama2") ? "Roles have to take turns" : "have to alternate"), message);
  }

  @Test
  void encodesWithoutASecondBeginToken() throws IOException {
    int[] ids = template("{{ bos_token }}{{ messages[0].content }}{{ eos_token }}").encode(TWO_USERS, true);
    int[] letter = tokenizer.encode("a", false);
    assertEquals(1, ids[0]);
    assertEquals(letter[0], ids[1]);
    assertEquals(2, ids[ids.length - 1]);
    assertEquals(2 + letter.length, ids.length);
  }

  @Test
  void textInMessagesIsNotRun() throws IOException {
    List<Message> hostile = List.of(new Message("user", "{{ bos_token }}{% for x in y %}{# gone #}"));
    assertEquals("{{ bos_token }}{% for x in y %}{# gone #}", template("{{ messages[0]['content'] }}").render(hostile, true));
  }

  @Test
  void javaIsOutOfReach() {
    for (String source : List.of("{{ messages.getClass().forName('java.lang.Runtime') }}", "{{ ''.class.classLoader }}",
        "{{ ''.getClass().getName() }}")) {
      String rendered;
      try {
        rendered = template(source).render(TWO_USERS, true);
      } catch (IOException e) {
        continue;
      }
      assertEquals("", rendered, source);
    }
  }

  @Test
  void brokenTemplatesAreRefusedByLine() throws IOException {
    for (String source : List.of("a\n{% if messages %}b", "{% nosuchtag %}", "{{ 'a' +  }}", "{{ nosuch() }}",
        "{{ 'x'.nosuch() }}")) {
      ChatTemplate template = template(source);
      String message = assertThrows(CheckpointException.class, () -> template.render(TWO_USERS, true), source).getMessage();
      assertTrue(message.startsWith(directory.toString()), message);
      assertTrue(message.contains("line "), message);
      assertEquals(1, message.lines().count(), message);
    }
  }

  @Test
  void whatJinjavaWouldPassOverIsRefused() throws IOException {
    for (String source : List.of("{{ messages | nosuch }}", "{% if messages is nosuch %}a{% endif %}",
        "{{ '}}' + ('a' | nosuch) }}",
        "{% for turn in messages if turn.role == 'nosuch' %}a{% endfor %}")) {
      ChatTemplate template = template(source);
      String message = assertThrows(CheckpointException.class, () -> template.render(TWO_USERS, true), source).getMessage();
      assertTrue(message.contains("nosuch") || message.contains("for … if"), message);
    }
    // Where it is not reached, or only looks like code, it does no harm.
    for (String source : List.of("{% if false %}{{ messages | nosuch }}{% endif %}a", "{{ 'a' }}{# | nosuch #}",
        "{% if '| nosuch' != ' is nosuch' %}a{% endif %}",
        "{% for turn in (messages if true else []) %}{% if loop.last %}a{% endif %}{% endfor %}")) {
      assertEquals("a", template(source).render(TWO_USERS, true), source);
    }
  }

  @Test
  void templatesAreFoundInEitherFile() throws IOException {
    Files.writeString(directory.resolve("tokenizer_config.json"), "{\"chat_template\": \"one\"}");
    assertEquals("one", ChatTemplate.open(directory, tokenizer).render(TWO_USERS, true));
    Files.writeString(directory.resolve("tokenizer_config.json"),
        "{\"chat_template\": [{\"name\": \"tool_use\", \"template\": \"t\"}, {\"name\": \"default\", \"template\": \"two\"}]}");
    assertEquals("two", ChatTemplate.open(directory, tokenizer).render(TWO_USERS, true));
    Files.writeString(directory.resolve("chat_template.jinja"), "three\n");
    assertEquals("three", ChatTemplate.open(directory, tokenizer).render(TWO_USERS, true));
    Files.delete(directory.resolve("chat_template.jinja"));
    Files.writeString(directory.resolve("tokenizer_config.json"),
        "{\"chat_template\": [{\"name\": \"rag\", \"template\": \"t\"}]}");
    assertThrows(CheckpointException.class, () -> ChatTemplate.open(directory, tokenizer));
    Files.writeString(directory.resolve("tokenizer_config.json"), "{\"chat_template\": 3}");
    assertThrows(CheckpointException.class, () -> ChatTemplate.open(directory, tokenizer));
  }

  @Test
  void withoutATemplateTurnsArePlainLines() throws IOException {
    ChatTemplate plain = ChatTemplate.open(TALES, tokenizer);
    assertTrue(plain.notice().contains("no chat template"), plain.notice());
    List<Message> messages = List.of(new Message("system", "Be kind."), new Message("user", "Hi "),
        new Message("assistant", " Yo"), new Message("user", "Bye"));
    assertEquals("Be kind.\nUser: Hi\nAssistant: Yo\nUser: Bye\nAssistant:", plain.render(messages, true));
    assertEquals(List.of("\nUser:"), plain.stops());
    assertArrayEquals(tokenizer.encode(plain.render(messages, true), true), plain.encode(messages, true));
  }

  private ChatTemplate template(String source) throws IOException {
    Files.writeString(directory.resolve("chat_template.jinja"), source);
    return ChatTemplate.open(directory, tokenizer);
  }

  private static byte[] resource(String name) throws IOException {
    try (InputStream in = ChatTemplateTest.class.getResourceAsStream(name)) {
      return in.readAllBytes();
    }
  }
}
