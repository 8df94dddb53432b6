"""The words of the console in Chinese, by their English. One table; a test finds what is missing."""

from typing import Final

CHINESE: Final = {
    # the frame
    "Fleet": "节点群",
    "Orders": "订单",
    "Latency": "时延",
    "Demand": "需求",
    "Quarantine": "隔离区",
    "Enrolment": "入网",
    "Audit log": "审计日志",
    "Account": "账户",
    "Log in": "登录",
    "Log out": "退出登录",
    "Skip to the content": "跳到正文",
    "Pages": "页面",
    "Language": "语言",
    "Time range": "时间范围",
    "Show": "显示",
    "the last hour, by the minute": "最近 1 小时，按分钟",
    "the last 24 hours, by the hour": "最近 24 小时，按小时",
    "the last 7 days, by the hour": "最近 7 天，按小时",
    "the last 30 days, by the day": "最近 30 天，按天",
    "the last 90 days, by the day": "最近 90 天，按天",
    "live": "实时",
    "paused": "已暂停",
    "no connection: what is shown is old": "连接中断：所示内容已过时",
    "Figures": "数据表",
    "as of": "截至",
    # roles
    "viewer": "查看者",
    "operator": "操作员",
    "admin": "管理员",
    # the fleet
    "All nodes are current.": "所有节点均为最新。",
    "of": "/",
    "nodes need attention.": "个节点需要关注。",
    "No node has ever sent anything. Invite one, or look at its uplink.": (
        "还没有节点上报过数据。请邀请节点，或检查其上行链路。"
    ),
    "Nodes": "节点",
    "Current": "最新",
    "Behind": "落后",
    "Stalled": "停滞",
    "Kept aside": "被隔离",
    "batches": "批",
    "Reporting problems": "报告问题",
    "Node": "节点",
    "State": "状态",
    "What to do": "说明",
    "Version": "版本",
    "Waiting at the node": "节点上待发",
    "events": "事件",
    "Certificate": "证书",
    "days": "天",
    "current": "最新",
    "behind": "落后",
    "stalled": "停滞",
    "quarantined": "有隔离批次",
    "clock": "时钟偏差",
    "never": "从未上报",
    "retired": "已退役",
    "problem": "有问题",
    "none": "无",
    "Behind by": "落后时长",
    "Last sent": "最后上报",
    "ago": "前",
    # what to do about each state; in English the centre's own sentence stands there
    "hint: stalled": "已连接，但没有新数据入库。请查看节点日志和状态（sync），再查看本中心日志。",
    "hint: behind": "一段时间没有数据。请检查设备和网络；在此期间节点继续正常决策。",
    "hint: quarantined": "有批次无法入库。请到“隔离区”处理。",
    "hint: clock": "节点时钟与本中心相差过大。请启用 NTP。",
    "hint: never": "从未上报。请为其办理入网，或检查其上行链路。",
    "hint: problem": "数据已全部入库，但节点报告了问题。请在节点上运行 doorstep status。",
    "hint: current": "数据已全部入库。",
    "hint: retired": "已退役。",
    "Find a node": "查找节点",
    "nodes are shown": "个节点已显示",
    # a node
    "Events stored, all time": "累计存储事件",
    "Batches stored": "已存储批次",
    "Bytes received, compressed": "已接收字节（压缩）",
    "First sent": "首次上报",
    "Repeats": "重复批次",
    "Refused": "被拒批次",
    "Alarms": "告警",
    "No alarm is kept.": "没有保留的告警。",
    "Time": "时间",
    "Kind": "类型",
    "Detail": "详情",
    "Events": "事件",
    "events by period": "每个时段的事件数",
    "There is no such node.": "没有这个节点。",
    "Back to the fleet": "返回节点群",
    # orders
    "Placed": "已下单",
    "Delivered": "已送达",
    "Cancelled": "已取消",
    "Undeliverable": "无法送达",
    "Late": "延误",
    "Promises kept": "准时率",
    "Promises broken": "未守承诺",
    "orders": "单",
    "Orders over time": "订单随时间变化",
    "orders in each period": "每个时段的订单数",
    "By node, where most promises are broken first": "按节点，未守承诺比例最高者在前",
    "No orders in this time.": "此时间内没有订单。",
    # latency
    "Latency by stage": "各阶段时延",
    "Stage": "阶段",
    "Values": "样本数",
    "Mean": "平均",
    "Over the whole time range": "整个时间范围",
    "No latency was measured in this time.": "此时间内没有时延数据。",
    "Order to first offer": "下单到首次派单",
    "Order to acceptance": "下单到接单",
    "Food waits": "餐品等待取餐",
    "Order to drop-off": "下单到送达",
    "Failed delivery to return": "投递失败到退回",
    "Promise and drop-off apart": "承诺与送达之差",
    "Price set to shown": "改价到下发",
    "Price set to confirmed": "改价到确认",
    # demand
    "Demand by place": "各区域需求",
    "Cell": "网格",
    "Count": "数量",
    "H3 cells; a darker one has more": "H3 网格；颜色越深数量越多",
    "cells": "个网格",
    "orders in": "单，分布于",
    "What is counted": "统计内容",
    "Orders placed": "下单",
    "Orders delivered": "送达",
    "No place has enough people to be shown in this time.": "此时间内没有任何区域达到可显示的人数。",
    "A place counts where at least so many different people did the same as the nodes' k_anonymity asks for.": (
        "只有当同一区域内行为相同的不同用户数达到节点的 k_anonymity 时，才会计入该区域。"
    ),
    # quarantine
    "Batches kept aside": "被隔离的批次",
    "No batch is kept aside.": "没有被隔离的批次。",
    "Batch": "批次",
    "Reason": "原因",
    "Store it again": "重新存储",
    "Discard": "丢弃",
    "Its node has deleted it: discarded events are gone.": "节点已删除该批次：丢弃后这些事件将无法恢复。",
    "Settle": "处理",
    "Only operators settle what is kept aside.": "只有操作员可以处理隔离批次。",
    # reconciliation
    "Reconciliation": "对账",
    "Day (UTC)": "日期（UTC）",
    "Both sides have the same.": "双方数据一致。",
    "The sides differ.": "双方数据不一致。",
    "The node has not stated this day yet.": "节点尚未提交该日的对账单。",
    "Windows at the node": "节点窗口数",
    "Windows at the centre": "中心窗口数",
    "Windows since its statement": "对账单之后的窗口",
    "Differences": "差异",
    "Difference": "差异",
    "Gaps": "缺口",
    "Window": "窗口",
    "Scenario": "场景",
    "Times": "次数",
    "Counters": "计数器",
    "Counter": "计数器",
    "Centre": "中心",
    "Totals on both sides": "双方合计",
    "The same, to be kept and signed:": "如需留存并签名：",
    "There is no such node, or the day is no day that is kept.": "没有这个节点，或该日数据已不再保留。",
    # enrolment
    "Who is invited, enrolled, revoked and retired": "邀请、入网、吊销与退役",
    "This centre invites nobody: set advertised_address in its configuration.": (
        "本中心未启用邀请：请在配置中设置 advertised_address。"
    ),
    "Invited until": "邀请有效至",
    "Certificate until": "证书有效至",
    "Revoked": "已吊销",
    "Retired": "已退役",
    "Invite a node": "邀请节点",
    "Name": "名称",
    "Days": "天数",
    "Also where it is invited or enrolled already": "即使已邀请或已入网",
    "Invite": "邀请",
    "Revoke": "吊销",
    "The invitation, shown now or never. On the node: doorstep enroll": (
        "邀请码仅显示这一次。在节点上运行：doorstep enroll"
    ),
    "Nobody is invited or enrolled.": "没有已邀请或已入网的节点。",
    # audit
    "Who": "操作者",
    "From": "来源地址",
    "What": "操作",
    "Older entries": "更早的记录",
    # account
    "Change the password": "修改密码",
    "Present password": "当前密码",
    "New password": "新密码",
    "New password again": "再次输入新密码",
    "Change": "修改",
    "One-time codes": "一次性验证码",
    "One-time codes are on.": "一次性验证码已启用。",
    "One-time codes are off.": "一次性验证码未启用。",
    "Enter this key in an authenticator, then its code here.": "在验证器应用中输入此密钥，然后在此填写验证码。",
    "Key": "密钥",
    "Code": "验证码",
    "Switch on": "启用",
    "Switch off": "停用",
    "End my other sessions": "结束我的其他会话",
    "User name": "用户名",
    "Password": "密码",
    "One-time code, where you have set it up": "一次性验证码（如已启用）",
    # answers
    "That did not work: name, password or code is wrong.": "登录失败：用户名、密码或验证码有误。",
    "Too many attempts. Try again in": "尝试次数过多。请稍后再试：",
    "The page was open for too long, or came from elsewhere. Do it again.": "页面已过期或来自其他站点。请重试。",
    "That needs another role.": "当前角色无权执行此操作。",
    "The two passwords differ.": "两次输入的密码不一致。",
    "The present password is wrong.": "当前密码有误。",
    "That code is wrong, or was used already.": "验证码有误，或已使用过。",
    "Done.": "已完成。",
    "Nobody may log in yet. At the centre: doorstep central user add NAME --role admin": (
        "还没有任何用户。请在中心运行：doorstep central user add NAME --role admin"
    ),
    "The store cannot be reached. Try again in a moment.": "暂时无法访问存储。请稍后再试。",
    "The question takes too long. Ask for a shorter time.": "查询耗时过长。请缩短时间范围。",
    "Problem": "出错",
    "Day begins at midnight in": "每日零点所在时区：",
}


def translated(text: str, language: str) -> str:
    """The text in `en` or `zh`."""
    return CHINESE.get(text, text) if language == "zh" else text


LANGUAGES: Final = ("en", "zh")


def choose(cookie: str, accepts: str) -> str:
    """The language that somebody has chosen, else the one that the browser asks for first."""
    if cookie in LANGUAGES:
        return cookie
    for part in accepts.lower().split(","):
        name = part.split(";")[0].strip()[:2]
        if name in LANGUAGES:
            return name
    return "en"
