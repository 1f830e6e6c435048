package apogee.interop;

import com.alibaba.fastjson.JSON;
import com.alibaba.fastjson.JSONObject;
import com.alibaba.fastjson.serializer.SerializerFeature;
import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.charset.StandardCharsets;
import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;

/**
 * Reads one JSON command a line from standard input, answers one JSON line each on standard output, in any order:
 * {"id":1,"command":"send",...} gives {"id":1,"result":...} or {"id":1,"error":"..."}. Ends at end of input.
 */
public final class Driver {
    interface Command {
        Object run(JSONObject arguments) throws Exception;
    }

    private final Map<String, Command> commands = new HashMap<>();
    private final ExecutorService workers = Executors.newCachedThreadPool();
    private final PrintStream answers;

    private Driver(PrintStream answers) {
        this.answers = answers;
    }

    public static void main(String[] args) throws Exception {
        PrintStream answers = new PrintStream(System.out, true, "UTF-8");
        System.setOut(System.err);
        Driver driver = new Driver(answers);
        Producers producers = new Producers();
        PushConsumers pushConsumers = new PushConsumers();
        PullConsumers pullConsumers = new PullConsumers();
        producers.addTo(driver.commands);
        pushConsumers.addTo(driver.commands);
        pullConsumers.addTo(driver.commands);
        new SqlConsumers().addTo(driver.commands);
        driver.commands.put("ping", arguments -> "pong");
        driver.serve();
        pushConsumers.stopAll();
        pullConsumers.stopAll();
        producers.stopAll();
        System.exit(0);
    }

    private void serve() throws Exception {
        BufferedReader lines = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        for (String line = lines.readLine(); line != null; line = lines.readLine()) {
            JSONObject request = JSON.parseObject(line);
            workers.execute(() -> answer(request));
        }
    }

    private void answer(JSONObject request) {
        JSONObject answer = new JSONObject();
        answer.put("id", request.get("id"));
        try {
            Command command = commands.get(request.getString("command"));
            if (command == null) {
                throw new IllegalArgumentException("no command " + request.getString("command"));
            }
            answer.put("result", command.run(request));
        } catch (Throwable problem) {
            StringWriter text = new StringWriter();
            problem.printStackTrace(new PrintWriter(text));
            answer.put("error", text.toString());
        }
        String line = JSON.toJSONString(answer, SerializerFeature.DisableCircularReferenceDetect);
        synchronized (answers) {
            answers.println(line);
        }
    }
}
