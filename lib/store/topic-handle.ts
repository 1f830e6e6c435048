declare const topicHandle: unique symbol

/** Small integer that stands for a topic name within one open store; from `MessageStore.topic`. */
export type TopicHandle = number & { readonly [topicHandle]: true }
