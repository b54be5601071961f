package org.spikellm.launcher.text;

import com.hubspot.jinjava.el.JinjavaInterpreterResolver;
import java.beans.FeatureDescriptor;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Iterator;
import java.util.List;
import java.util.Locale;
import java.util.regex.Pattern;
import jinjava.javax.el.CompositeELResolver;
import jinjava.javax.el.ELContext;
import jinjava.javax.el.ELResolver;

/** The string methods of Python that chat templates call, where Java's differ or are called otherwise. */
final class PythonStrings extends ELResolver {

  static ELResolver beforeDefaults() {
    CompositeELResolver both = new CompositeELResolver();
    both.add(new PythonStrings());
    both.add(JinjavaInterpreterResolver.DEFAULT_RESOLVER_READ_ONLY);
    return both;
  }

  @Override
  public Object invoke(ELContext context, Object base, Object method, Class<?>[] types, Object[] arguments) {
    if (!(base instanceof String text)) {
      return null;
    }
    String first = arguments.length > 0 && arguments[0] != null ? arguments[0].toString() : null;
    Object result = switch (method.toString()) {
      case "strip" -> strip(text, first, true, true);
      case "lstrip" -> strip(text, first, true, false);
      case "rstrip" -> strip(text, first, false, true);
      case "startswith" -> text.startsWith(first);
      case "endswith" -> text.endsWith(first);
      case "upper" -> text.toUpperCase(Locale.ROOT);
      case "lower" -> text.toLowerCase(Locale.ROOT);
      case "capitalize" -> text.isEmpty() ? text : head(text) + text.substring(1).toLowerCase(Locale.ROOT);
      case "split" -> split(text, first, arguments.length > 1 ? ((Number) arguments[1]).intValue() : -1);
      default -> null;
    };
    if (result != null) {
      context.setPropertyResolved(true);
    }
    return result;
  }

  private static String head(String text) {
    return text.substring(0, 1).toUpperCase(Locale.ROOT);
  }

  /** @param signs what is taken away; null for white space */
  private static String strip(String text, String signs, boolean front, boolean back) {
    int from = 0;
    int to = text.length();
    while (front && from < to && isOneOf(text.charAt(from), signs)) {
      from++;
    }
    while (back && to > from && isOneOf(text.charAt(to - 1), signs)) {
      to--;
    }
    return text.substring(from, to);
  }

  private static boolean isOneOf(char c, String signs) {
    return signs == null ? Character.isWhitespace(c) || Character.isSpaceChar(c) : signs.indexOf(c) >= 0;
  }

  /** @param separator null for runs of white space; @param limit the most cuts, negative for no limit */
  private static List<String> split(String text, String separator, int limit) {
    String subject = separator == null ? text.strip() : text;
    if (separator == null && subject.isEmpty()) {
      return new ArrayList<>();
    }
    String expression = separator == null ? "\\s+" : Pattern.quote(separator);
    return new ArrayList<>(Arrays.asList(subject.split(expression, limit < 0 ? -1 : limit + 1)));
  }

  @Override
  public Object getValue(ELContext context, Object base, Object property) {
    return null;
  }

  @Override
  public Class<?> getType(ELContext context, Object base, Object property) {
    return null;
  }

  @Override
  public void setValue(ELContext context, Object base, Object property, Object value) {
    // strings have nothing to set
  }

  @Override
  public boolean isReadOnly(ELContext context, Object base, Object property) {
    return true;
  }

  @Override
  public Iterator<FeatureDescriptor> getFeatureDescriptors(ELContext context, Object base) {
    return null;
  }

  @Override
  public Class<?> getCommonPropertyType(ELContext context, Object base) {
    return null;
  }
}
