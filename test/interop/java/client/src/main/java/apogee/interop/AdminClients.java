package apogee.interop;

import com.alibaba.fastjson.JSONObject;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Consumer;
import org.apache.rocketmq.common.TopicConfig;
import org.apache.rocketmq.common.admin.OffsetWrapper;
import org.apache.rocketmq.common.message.MessageQueue;
import org.apache.rocketmq.common.protocol.body.Connection;
import org.apache.rocketmq.common.protocol.body.ConsumeMessageDirectlyResult;
import org.apache.rocketmq.common.protocol.body.ConsumerConnection;
import org.apache.rocketmq.common.protocol.body.ConsumerRunningInfo;
import org.apache.rocketmq.common.protocol.body.ProcessQueueInfo;
import org.apache.rocketmq.common.protocol.heartbeat.SubscriptionData;
import org.apache.rocketmq.common.subscription.SubscriptionGroupConfig;
import org.apache.rocketmq.tools.admin.DefaultMQAdminExt;

/**
 * The admin API that mqadmin is made of. Commands createAdmin, resetOffsetByTime, runningInfo, consumeDirectly,
 * consumeStatus, cloneOffset, consumerConnection, producerConnection, consumeStats, updateGroup, updateTopic.
 */
final class AdminClients implements Consumer<Map<String, Driver.Command>>, Runnable {
    private final Map<String, DefaultMQAdminExt> admins = new ConcurrentHashMap<>();

    @Override
    public void accept(Map<String, Driver.Command> commands) {
        commands.put("createAdmin", this::create);
        commands.put("resetOffsetByTime", this::resetOffsetByTime);
        commands.put("runningInfo", this::runningInfo);
        commands.put("consumeDirectly", this::consumeDirectly);
        commands.put("consumeStatus", this::consumeStatus);
        commands.put("cloneOffset", this::cloneOffset);
        commands.put("consumerConnection", this::consumerConnection);
        commands.put("producerConnection", this::producerConnection);
        commands.put("consumeStats", this::consumeStats);
        commands.put("updateGroup", this::updateGroup);
        commands.put("updateTopic", this::updateTopic);
    }

    @Override
    public void run() {
        admins.values().forEach(DefaultMQAdminExt::shutdown);
    }

    private DefaultMQAdminExt admin(JSONObject arguments) {
        return Messages.named(admins, arguments, "admin");
    }

    private Object create(JSONObject arguments) throws Exception {
        DefaultMQAdminExt admin = new DefaultMQAdminExt(30_000);
        Messages.configure(admin, arguments);
        admin.start();
        admins.put(arguments.getString("name"), admin);
        return admin.buildMQClientId();
    }

    private Object resetOffsetByTime(JSONObject arguments) throws Exception {
        return byQueue(admin(arguments).resetOffsetByTimestamp(
            arguments.getString("topic"), arguments.getString("group"), arguments.getLongValue("timestampMs"),
            arguments.getBooleanValue("force")));
    }

    private Object runningInfo(JSONObject arguments) throws Exception {
        ConsumerRunningInfo info = admin(arguments).getConsumerRunningInfo(
            arguments.getString("group"), arguments.getString("clientId"), arguments.getBooleanValue("jstack"));
        JSONObject text = new JSONObject();
        text.put("properties", info.getProperties());
        text.put("jstack", info.getJstack());
        JSONObject subscriptions = new JSONObject();
        for (SubscriptionData subscription : info.getSubscriptionSet()) {
            subscriptions.put(subscription.getTopic(), subscription.getSubString());
        }
        text.put("subscriptions", subscriptions);
        JSONObject offsets = new JSONObject();
        for (Map.Entry<MessageQueue, ProcessQueueInfo> entry : info.getMqTable().entrySet()) {
            offsets.put(name(entry.getKey()), entry.getValue().getCommitOffset());
        }
        text.put("offsets", offsets);
        text.put("statusTopics", info.getStatusTable().keySet());
        return text;
    }

    private Object consumeDirectly(JSONObject arguments) throws Exception {
        ConsumeMessageDirectlyResult result = admin(arguments).consumeMessageDirectly(
            arguments.getString("group"), arguments.getString("clientId"), arguments.getString("topic"),
            arguments.getString("msgId"));
        JSONObject text = new JSONObject();
        text.put("result", result.getConsumeResult().name());
        text.put("order", result.isOrder());
        text.put("remark", result.getRemark());
        return text;
    }

    /** By client id, the offsets by queue that a client holds. */
    private Object consumeStatus(JSONObject arguments) throws Exception {
        JSONObject text = new JSONObject();
        String client = arguments.getString("clientId");
        admin(arguments).getConsumeStatus(
            arguments.getString("topic"), arguments.getString("group"), client == null ? "" : client
        ).forEach((clientId, offsets) -> text.put(clientId, byQueue(offsets)));
        return text;
    }

    private Object cloneOffset(JSONObject arguments) throws Exception {
        admin(arguments).cloneGroupOffset(
            arguments.getString("from"), arguments.getString("to"), arguments.getString("topic"),
            arguments.getBooleanValue("offline"));
        return true;
    }

    private Object consumerConnection(JSONObject arguments) throws Exception {
        ConsumerConnection connection = admin(arguments).examineConsumerConnectionInfo(arguments.getString("group"));
        JSONObject text = new JSONObject();
        text.put("clientIds", clientIds(connection.getConnectionSet()));
        text.put("consumeType", connection.getConsumeType().name());
        text.put("messageModel", connection.getMessageModel().name());
        text.put("consumeFromWhere", connection.getConsumeFromWhere().name());
        JSONObject subscriptions = new JSONObject();
        connection.getSubscriptionTable().forEach((topic, data) -> subscriptions.put(topic, data.getSubString()));
        text.put("subscriptions", subscriptions);
        return text;
    }

    private Object producerConnection(JSONObject arguments) throws Exception {
        return clientIds(admin(arguments).examineProducerConnectionInfo(
            arguments.getString("group"), arguments.getString("topic")).getConnectionSet());
    }

    private static List<String> clientIds(Iterable<Connection> connections) {
        List<String> ids = new ArrayList<>();
        connections.forEach(each -> ids.add(each.getClientId()));
        return ids;
    }

    /** By queue: the end of the queue and the group's offset. */
    private Object consumeStats(JSONObject arguments) throws Exception {
        JSONObject text = new JSONObject();
        Map<MessageQueue, OffsetWrapper> offsets = admin(arguments)
            .examineConsumeStats(arguments.getString("group"), arguments.getString("topic")).getOffsetTable();
        offsets.forEach((queue, offset) -> {
            JSONObject of = new JSONObject();
            of.put("brokerOffset", offset.getBrokerOffset());
            of.put("consumerOffset", offset.getConsumerOffset());
            text.put(name(queue), of);
        });
        return text;
    }

    private Object updateGroup(JSONObject arguments) throws Exception {
        SubscriptionGroupConfig config = arguments.getObject("config", SubscriptionGroupConfig.class);
        admin(arguments).createAndUpdateSubscriptionGroupConfig(arguments.getString("brokerAddress"), config);
        return true;
    }

    private Object updateTopic(JSONObject arguments) throws Exception {
        TopicConfig config = arguments.getObject("config", TopicConfig.class);
        admin(arguments).createAndUpdateTopicConfig(arguments.getString("brokerAddress"), config);
        return true;
    }

    private static String name(MessageQueue queue) {
        return queue.getTopic() + ":" + queue.getQueueId();
    }

    private static Map<String, Long> byQueue(Map<MessageQueue, Long> offsets) {
        Map<String, Long> named = new TreeMap<>();
        offsets.forEach((queue, offset) -> named.put(name(queue), offset));
        return named;
    }
}
