package apogee.interop;

import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Base64;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.apache.rocketmq.filter.SqlFilter;
import org.apache.rocketmq.filter.expression.EvaluationContext;
import org.apache.rocketmq.filter.expression.Expression;

/**
 * Reads the number of messages, one line of properties for each ("name=value" in Base64, split by blanks), and one
 * line for each expression (Base64). Writes one line for each expression: "-" when it does not compile, else for each
 * message T, F, N (null) or E (evaluation threw).
 */
public final class SqlTable {
    private static final class Properties implements EvaluationContext {
        private final Map<String, Object> values = new HashMap<>();

        @Override
        public Object get(String name) {
            return values.get(name);
        }

        @Override
        public Map<String, Object> keyValues() {
            return values;
        }
    }

    private SqlTable() {
    }

    public static void main(String[] args) throws Exception {
        BufferedReader lines = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        PrintStream answers = new PrintStream(System.out, false, "UTF-8");
        List<Properties> messages = new ArrayList<>();
        for (int left = Integer.parseInt(lines.readLine()); left > 0; left--) {
            messages.add(propertiesOf(lines.readLine()));
        }
        for (String line = lines.readLine(); line != null; line = lines.readLine()) {
            answers.println(resultsOf(text(line), messages));
        }
        answers.flush();
        System.exit(0);
    }

    private static String text(String base64) {
        return new String(Base64.getDecoder().decode(base64), StandardCharsets.UTF_8);
    }

    private static Properties propertiesOf(String line) {
        Properties properties = new Properties();
        for (String entry : line.split(" ")) {
            if (entry.isEmpty()) {
                continue;
            }
            String pair = text(entry);
            int separator = pair.indexOf('=');
            properties.values.put(pair.substring(0, separator), pair.substring(separator + 1));
        }
        return properties;
    }

    private static String resultsOf(String expression, List<Properties> messages) {
        Expression compiled;
        try {
            compiled = new SqlFilter().compile(expression);
        } catch (Throwable refused) {
            return "-";
        }
        StringBuilder results = new StringBuilder();
        for (Properties message : messages) {
            results.append(letter(compiled, message));
        }
        return results.toString();
    }

    private static char letter(Expression expression, Properties message) {
        try {
            Object result = expression.evaluate(message);
            if (result == null) {
                return 'N';
            }
            return (Boolean) result ? 'T' : 'F';
        } catch (Throwable thrown) {
            return 'E';
        }
    }
}
