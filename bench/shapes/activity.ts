import type { ShapeParts } from './shape.ts';

/** E-mails and appointments: many lookups that may point to several tables, dates, flags, and a text with markup. */
export const ACTIVITY: ShapeParts = {
  name: 'activity',
  key: 'activityid',
  look: { escapes: 0.05, memoEscapes: 0.8, memoLength: 600 },
  first: [
    { kind: 'text', filled: 1, names: 'subject activitytypecode' },
    { kind: 'owner', filled: 1, names: 'ownerid' },
    { kind: 'customer', filled: 0.9, names: 'regardingobjectid' },
    { kind: 'moment', filled: 1, names: 'createdon modifiedon' },
    { kind: 'state', filled: 1, names: 'statecode' },
    { kind: 'status', filled: 1, names: 'statuscode' },
    { kind: 'memo', filled: 0.9, names: 'description' },
  ],
  more: [
    {
      kind: 'lookup',
      filled: 1,
      names: 'createdby modifiedby owningbusinessunit owninguser transactioncurrencyid',
    },
    { kind: 'customer', filled: 0.7, names: 'emailsender senderobject correlatedactivity' },
    {
      kind: 'lookup',
      filled: 0.05,
      names:
        'createdonbehalfby modifiedonbehalfby owningteam slaid slainvokedid sendermailboxid serviceid templateid',
    },
    {
      kind: 'moment',
      filled: 0.7,
      names: 'scheduledstart scheduledend actualstart actualend sortdate senton',
    },
    {
      kind: 'moment',
      filled: 0.1,
      names: 'lastonholdtime lastopenedtime postponeemailprocessinguntil deliverylastattemptedon',
    },
    {
      kind: 'boolean',
      filled: 1,
      names:
        'directioncode isbilled ismapiprivate isregularactivity isworkflowcreated followemailuserpreference readreceiptrequested deliveryreceiptrequested compressed',
    },
    { kind: 'choice', filled: 1, names: 'prioritycode deliveryprioritycode notifications' },
    { kind: 'choice', filled: 0.1, names: 'community correlationmethod' },
    {
      kind: 'integer',
      filled: 0.7,
      names: 'actualdurationminutes scheduleddurationminutes attachmentcount deliveryattempts',
    },
    {
      kind: 'integer',
      filled: 0.05,
      names: 'onholdtime importsequencenumber utcconversiontimezonecode timezoneruleversionnumber',
    },
    { kind: 'text', filled: 0.8, names: 'torecipients sender messageid trackingtoken' },
    {
      kind: 'text',
      filled: 0.1,
      names: 'category subcategory mimetype submittedby conversationindex inreplyto',
    },
    { kind: 'decimal', filled: 1, names: 'exchangerate' },
    { kind: 'guid', filled: 0.2, names: 'conversationtrackingid reservedforinternaluse processid stageid' },
  ],
};
