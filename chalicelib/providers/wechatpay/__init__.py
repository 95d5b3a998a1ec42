"""WeChat Pay (微信支付), APIv3: JSAPI payments of one merchant, spoken without an SDK."""
