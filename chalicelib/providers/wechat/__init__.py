"""WeChat's own server API (微信开放接口), as far as a payment needs it: who the shopper is."""
